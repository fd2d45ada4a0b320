"""The command line: one thin function per verb. Whatever is heavy is imported inside the verb that needs it."""

from __future__ import annotations
