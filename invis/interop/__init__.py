"""torch-lucent and Invis together: objectives in both directions, and the full-image view."""
