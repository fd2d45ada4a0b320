"""The one exception that is the user's to mend."""

from __future__ import annotations


class UserError(Exception):
    """Wrong input: one sentence that says what is wrong, where, and how to mend it.

    The command line prints the sentence and exits with code 2; a traceback would be a defect.
    """


class WaitingForPerson(Exception):
    """A stage needs a person (for instance annotation); the run ends with exit code 0 and can be resumed."""
