"""What the privacy audit means: findings by name, sentences, notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from segmint.evaluation.copy_rates import FEWEST
from segmint.evaluation.held_out_copies import shows_leak
from segmint.evaluation.membership_words import membership_findings, membership_note, membership_sentence

NO_GUARANTEE = (
    "This audit finds copies of the kinds it looks for. That it finds none is no guarantee of privacy: it does not show that"
    " no patient can be recognised."
)
# Subjects that are named one by one.
_NAMED = 5
_ADVICE = (
    "Look at the pairs in privacy.png before the set is given to anyone. Leave such pairs out, take an earlier checkpoint, or"
    " train on more subjects."
)


def privacy_findings(section: Mapping[str, Any]) -> list[dict[str, str]]:
    """What is wrong: `code`, `message`, `advice`; empty where nothing is shown to be."""
    return [
        *_twins(section),
        *_copies(section),
        *_of_held_out(section),
        *_near_in_features(section),
        *membership_findings(section),
    ]


def _twins(section: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    names = section["held_out_twins"]
    if names:
        told = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
        yield {
            "code": "held-out patients who trained",
            "message": f"{_subjects(len(names))} taken for held-out {'has' if len(names) == 1 else 'have'} an image that is a"
            f" training image: {told}, unless images are so plain that those of different subjects are alike."
            f" {_measured(section['plainness'])} {'It is' if len(names) == 1 else 'They are'} left out of the search for"
            " copies; all other parts of the evaluation still take them for new.",
            "advice": "Give held-out data without patients of the training set, or mend the names of subjects (--subject) and"
            " train again.",
        }


def _copies(section: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    pixels = section["pixels"]
    if pixels["threshold"] is None:
        if (same := section["identical"]) and not section["identical_by_chance"]:
            yield {
                "code": "copies of training images",
                "message": f"{same} of {section['synthetic']['shown']} synthetic images {'is' if same == 1 else 'are'} a training"
                " image but for noise, once moved, turned and mirrored to fit, unless images are so plain that those of different"
                f" subjects are alike. {_measured(section['plainness'])}",
                "advice": _ADVICE,
            }
        return
    shown, copies, base = section["synthetic"]["shown"], pixels["copies"], pixels["false_positives"]
    beyond = pixels["excess"]["interval"][0] > 0
    if beyond or pixels["certain"]:
        single = copies["count"] == 1
        yield {
            "code": "copies of training images",
            "message": f"{copies['count']} of {shown} synthetic images ({_percent(copies['share'])})"
            f" {'is' if single else 'are'} nearer to a training image than new real images come, once moved, turned and"
            f" mirrored to fit; of new real images {_percent(base['share'])} are."
            + (f" {pixels['certain']} so near that chance does not explain it." if pixels["certain"] else ""),
            "advice": _ADVICE,
        }


def _of_held_out(section: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    found = section["held_out_copies"]
    if found is None or not shows_leak(found):
        return
    count, told = sum(one["images"] for one in found["copied"]), [_by_count(one) for one in found["copied"]]
    more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    how = (
        "a held-out image but for noise"
        if found["threshold"] is None
        else "nearer to a held-out image than real images of other subjects come"
    )
    why = "Either the generator has learned from them, and the split leaks, or its images are so plain that they come near anyone."
    if found["identical"] and not found["identical_by_chance"]:
        why += f" {_measured(section['plainness'])}"
    yield {
        "code": "copies of held-out images",
        "message": f"{count} of {section['synthetic']['shown']} synthetic images {'is' if count == 1 else 'are'} {how}, of"
        f" {_subjects(len(told))}: {', '.join(told[:_NAMED])}{more}. {why}",
        "advice": "Compare the images by eye. Until it is settled, do not test on these subjects. See whether they are in the"
        " training set under other names, or in other data that a stage has learned from; mend the names (--subject) or the"
        " split, and train again.",
    }


def _measured(plainness: Mapping[str, Any] | None) -> str:
    """How plain training images are, beside what only plain images would explain."""
    if plainness is None:
        return "How alike they are cannot be measured with a single training subject."
    images, alike = plainness["images"], plainness["alike"]
    if not alike:
        return (
            f"Of {images} training images none is as near to one of another training subject, so that this is unlikely."
        )
    return (
        f"Of {images} training images {alike} {'is' if alike == 1 else 'are'} as near to one of another training subject, fewer"
        " than this takes; a part of it may be chance."
    )


def _by_count(one: Mapping[str, Any]) -> str:
    return f"{one['subject']} ({one['images']} image{'' if one['images'] == 1 else 's'})"


def _near_in_features(section: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for name, one in section["features"].items():
        if one["threshold"] is not None and one["excess"]["interval"][0] > 0:
            yield {
                "code": "near training images in features",
                "message": f"{_percent(one['copies']['share'])} of the synthetic images are nearer to a training image in the"
                f" features of {_network(name)} than new real images come, of which"
                f" {_percent(one['false_positives']['share'])} are.",
                "advice": "They look like training images without being the same pixel by pixel, or the synthetic images are"
                " smoother than real ones. Look at the nearest pairs.",
            }


def privacy_sentences(section: Mapping[str, Any]) -> list[str]:
    """What was compared, what came out, and how sure it is."""
    shown, training, held = section["synthetic"], section["training"], section["held_out"]
    sentences = [
        f"For each of {shown['shown']} synthetic images the nearest of {training['slices']} training images of"
        f" {_subjects(training['subjects'])} was sought: shifted, turned by any angle, mirrored, magnified by up to a sixth,"
        " mildly deformed, in other brightness and contrast."
    ]
    pixels = section["pixels"]
    if held is not None:
        new, made = pixels["similarity"]["held_out"], pixels["similarity"]["synthetic"]
        sentences.append(
            f"Once aligned they have a median similarity of {made['median']:.2f}, at most {made['highest']:.2f};"
            f" {held['shown']} real images of {_subjects(held['subjects'])} that did not train have {new['median']:.2f}, at most"
            f" {new['highest']:.2f}. A copy has 1."
        )
    else:
        made = pixels["similarity"]["synthetic"]
        sentences.append(
            f"Once aligned they have a median similarity of {made['median']:.2f}, at most {made['highest']:.2f}. A copy has 1."
        )
    if pixels["threshold"] is not None:
        base, copies, excess = pixels["false_positives"], pixels["copies"], pixels["excess"]
        sentences += [
            f"An image counts as copied when a training image is nearer to it than {pixels['calibrated_on']['images']} held-out"
            f" images let expect, or one training subject is so near and so much nearer than all others. That holds for"
            f" {copies['count']} of"
            f" {shown['shown']} synthetic images ({_percent(copies['share'])}), and for {base['count']} of"
            f" {pixels['measured_on']['images']} other held-out images ({_percent(base['share'])}, at most"
            f" {_percent(base['interval'][1])}).",
            f"Excess copies that this search recognises: {_signed(excess['share'])} of the synthetic images; with 95% confidence"
            f" at most {_percent(max(0.0, excess['interval'][1]))}.",
        ]
    if (leak := section["held_out_copies"]) is not None:
        sentences.append(_sought_in_held_out(leak, section["synthetic"]["shown"]))
    for name, one in section["features"].items():
        if one["threshold"] is not None:
            sentences.append(
                f"In the features of {_network(name)} {_percent(one['copies']['share'])} of the synthetic and"
                f" {_percent(one['false_positives']['share'])} of the held-out images are nearer than the threshold; excess at"
                f" most {_percent(max(0.0, one['excess']['interval'][1]))}."
            )
    if (member := section["membership"]) is not None:
        sentences.append(membership_sentence(member))
    return sentences


def _sought_in_held_out(leak: Mapping[str, Any], shown: int) -> str:
    said = (
        f"They were sought in the same way among {leak['held_out']['slices']} held-out images of"
        f" {_subjects(leak['held_out']['subjects'])}, who should not have trained: {leak['identical']} of {shown}"
        + (
            " come as near to one as a copy with noise would, which plain images explain"
            if leak["identical_by_chance"]
            else " are such an image but for noise"
        )
    )
    if leak["threshold"] is None:
        return said + "."
    base = leak["false_positives"]
    return (
        f"{said}, {leak['copies']['count']} count as copies of one, as do {base['count']} of {leak['measured_on']['images']}"
        f" training images ({_percent(base['share'])})."
    )


def privacy_notes(section: Mapping[str, Any]) -> list[str]:
    """What to bear in mind."""
    shown, held, member = section["synthetic"], section["held_out"], section["membership"]
    notes = [NO_GUARANTEE, *_plain_notes(section)]
    if held is None or section["pixels"]["threshold"] is None:
        there = "no held-out real images" if held is None else f"{held['shown']} held-out real images"
        few = f"of {_subjects(held['subjects'])}" if held is not None else ""
        notes.append(
            f"There are {there}{' ' + few if few else ''}: with fewer than {FEWEST}, or of a single subject, nobody can say how"
            " near new images come by chance, so there is no threshold, only the ranking of the nearest pairs."
        )
    elif held["subjects"] < held["shown"]:
        notes.append(
            "Bounds of held-out images count all images of a subject as one, since those that come near by chance may come"
            " together: more held-out subjects make them narrower, more images of the same ones do not."
        )
    for name, one in (("synthetic", shown), ("held-out", held)):
        if one is not None and one["shown"] < one["slices"]:
            notes.append(f"Of {one['slices']} {name} images {one['shown']} were looked at, chosen at random.")
    if member is None:
        notes.append("Membership was not tested: that takes at least 4 training subjects and 2 held-out ones.")
    elif member["underpowered"]:
        notes.append(membership_note(member))
    return notes


def _plain_notes(section: Mapping[str, Any]) -> Iterator[str]:
    """What is as near as a copy with noise, and is not called one."""
    plainness, leak = section["plainness"], section["held_out_copies"]
    found = [
        (section["held_out_alike"], "held-out image", "training images"),
        (section["identical"] if section["identical_by_chance"] else 0, "synthetic image", "training images"),
        (leak["identical"] if leak and leak["identical_by_chance"] else 0, "synthetic image", "held-out images"),
    ]
    told = [f"{count} {name}{'' if count == 1 else 's'} to {whom}" for count, name, whom in found if count]
    if told and plainness is not None:
        yield (
            "The images are so plain that exact copies cannot be told: images of different training subjects come as near to each"
            f" other as a copy with noise does, {plainness['alike']} of {plainness['images']}, or all but. So near come"
            f" {', '.join(told)}; that alone makes them no copies."
        )


def _network(name: str) -> str:
    return f"a {name}" if name.startswith("random") else f"the {name}"


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}%".replace("-", "−")


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%" if share >= 0.1 or share in (0, 1) else f"{100 * share:.1f}%"


def _subjects(count: int) -> str:
    return "1 subject" if count == 1 else f"{count} subjects"
