"""Codes in place of the names of subjects and images, and the key that tells who is who, kept apart from the dataset."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from segmint.errors import UserError
from segmint.outputs import read_json, staged_file

_DIGITS = 12
_SALT_BYTES = 16


@dataclass(frozen=True)
class Name:
    """The names of one image that a dataset would hold.

    Args:
        case: The image.
        subject: Whom it comes from.
        volume: Volume it is a slice of.
        place: Its path in the source, for the key.
    """

    case: str
    subject: str
    volume: str | None = None
    place: str = ""


@dataclass(frozen=True)
class Codes:
    """What stands in place of every name.

    Args:
        cases: Code of each image.
        subjects: Of each subject.
        volumes: Of each volume.
        names: What was coded.
        salt: The secret they were made with; None where they only count.
    """

    cases: Mapping[str, str]
    subjects: Mapping[str, str]
    volumes: Mapping[str, str]
    names: Sequence[Name]
    salt: str | None = field(default=None, repr=False)

    def of(self, name: Name) -> Name:
        """The codes of one image; its place is not among them."""
        volume = None if name.volume is None else self.volumes[name.volume]
        return Name(self.cases[name.case], self.subjects[name.subject], volume)


@dataclass(frozen=True)
class Pseudonyms:
    """How names become codes that only the holder of a secret salt can compute (HMAC-SHA256, RFC 2104).

    Args:
        key: File to write salt, codes and names to; without one nobody can tell afterwards who is who.
        salt_of: Key of an earlier conversion, whose salt makes the same codes of the same names; a new salt is drawn
            without one.
    """

    key: Path | None = None
    salt_of: Path | None = None

    def check(self, target: Path) -> None:
        """Raises:
        UserError: the key exists, has no folder, or would lie in the dataset; or the earlier key is none.
        """
        if self.key is not None:
            if self.key.exists() or self.key.is_symlink():
                raise UserError(f"{self.key} exists already: choose another --key.")
            if not self.key.parent.is_dir():
                raise UserError(f"{self.key.parent} does not exist: make the folder of --key first.")
            if self.key.resolve().is_relative_to(target.resolve()):
                raise UserError(
                    f"{self.key} would lie in the dataset {target}, which it must not: choose another --key."
                )
        self._salt()

    def _salt(self) -> str:
        """The secret: that of the earlier key, or a new one, which no seed decides."""
        if self.salt_of is None:
            return secrets.token_hex(_SALT_BYTES)
        content = read_json(self.salt_of)
        salt = content.get("salt") if isinstance(content, dict) else None
        if not isinstance(salt, str) or len(salt) < 2 * _SALT_BYTES:
            raise UserError(f"{self.salt_of} is no key of an earlier conversion: it holds no salt.")
        return salt

    def codes(self, names: Sequence[Name]) -> Codes:
        """Codes of all names.

        Raises:
            UserError: the earlier key cannot be read, or two names have the same code.
        """
        salt = self._salt()
        return Codes(
            _hashed(salt, "case", (one.case for one in names)),
            _hashed(salt, "subject", (one.subject for one in names)),
            _hashed(salt, "volume", (one.volume for one in names if one.volume is not None)),
            names,
            salt,
        )

    def write_key(self, codes: Codes) -> None:
        """Write salt, codes and names to the key, if there is to be one, for its owner alone to read.

        Raises:
            UserError: it cannot be written.
        """
        if self.key is None:
            return
        places = {one.case: one.place for one in codes.names}
        content = {
            "salt": codes.salt,
            "subjects": {code: name for name, code in codes.subjects.items()},
            "volumes": {code: name for name, code in codes.volumes.items()},
            "cases": {code: {"name": name, "from": places[name]} for name, code in codes.cases.items()},
        }
        try:
            with staged_file(self.key) as staging:
                staging.touch(mode=0o600)
                staging.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        except OSError as error:
            raise UserError(f"{self.key} cannot be written ({error.strerror}): choose another --key.") from error


def numbered(names: Sequence[Name]) -> Codes:
    """Codes that count: "subject-001", and its images "subject-001_1" and so on; the same for the same names.

    The order is that of hashes, so that it tells nothing of the names.
    """
    subjects = _counted("subject", (one.subject for one in names))
    cases: dict[str, str] = {}
    for subject, code in subjects.items():
        own = sorted({one.case for one in names if one.subject == subject}, key=_order)
        cases.update({case: f"{code}_{number}" for number, case in enumerate(own, start=1)})
    return Codes(cases, subjects, _counted("volume", (one.volume for one in names if one.volume is not None)), names)


def _counted(kind: str, names: Iterable[str]) -> dict[str, str]:
    ordered = sorted(set(names), key=_order)
    width = max(3, len(str(len(ordered))))
    return {name: f"{kind}-{number:0{width}d}" for number, name in enumerate(ordered, start=1)}


def _order(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _hashed(salt: str, kind: str, names: Iterable[str]) -> dict[str, str]:
    codes: dict[str, str] = {}
    for name in sorted(set(names)):
        digest = hmac.new(salt.encode(), f"{kind}\0{name}".encode(), hashlib.sha256).hexdigest()
        codes[name] = f"{kind}-{digest[:_DIGITS]}"
    if len(set(codes.values())) < len(codes):
        raise UserError(f"Two names of a {kind} happen to have the same code: convert again with another salt.")
    return codes
