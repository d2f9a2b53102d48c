"""The one exception that Invis raises on purpose."""


class InvisError(ValueError):
    """Bad input or a failed precondition, told in one sentence.

    The sentence names the argument, its value and what would be right. The command line prints it
    and exits with 2; notebooks and dashboards show it in place of a result.
    """
