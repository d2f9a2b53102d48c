"""The Panel application that serves an atlas, live searches, trajectories and stitching."""
