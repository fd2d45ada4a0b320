"""Loss curves: panels, axes, gaps."""

from __future__ import annotations

from segmint.report.training_figures import axis_scale, loss_curves, loss_figure, stages_of, validation_figure


def tick(kimg: float, **losses: float | None) -> dict[str, object]:
    return {"stage": "00-a", "kimg": kimg, "losses": {"style_generator": losses}}


def test_values_that_were_not_finite_leave_a_gap() -> None:
    curves = loss_curves([tick(1, r1=0.5), tick(2, r1=None), tick(3, r1=float("nan")), tick(4, r1=0.25)])
    assert curves == {"style generator": {"r1": ([1.0, 4.0], [0.5, 0.25])}}


def test_outputs_of_a_discriminator_are_drawn_apart_from_its_losses() -> None:
    curves = loss_curves([tick(1, adversarial=0.7, real_logit=1.5)])
    assert set(curves) == {"style generator", "style generator, outputs"}


def test_the_axis_follows_the_values() -> None:
    assert axis_scale([[1.0, 2.0, 3.0]]) == "linear"
    assert axis_scale([[1.0, 0.01, 0.001]]) == "log"
    assert axis_scale([[-1.0, 0.5, 1.0]]) == "linear"
    assert axis_scale([[-1.0, 0.5, 0.5, 1000.0]]) == "symlog"
    assert axis_scale([[0.0, 0.0]]) == "linear"


def test_stages_keep_their_order() -> None:
    log = [{"stage": "00-b"}, {"stage": "00-b"}, {"stage": "01-a"}]
    assert {name: len(ticks) for name, ticks in stages_of(log).items()} == {"00-b": 2, "01-a": 1}


def test_the_best_value_is_named() -> None:
    values = [3.0, 1.25, 2.0]
    ticks = [
        {"kimg": k, "validation": {"name": "sliced_wasserstein", "value": value, "direction": "lower"}}
        for k, value in enumerate(values, start=1)
    ]
    figure = validation_figure([*ticks, {"kimg": 4, "validation": None}])
    assert figure is not None
    assert "best 1.25 at 2 thousand images" in figure.label


def test_no_losses_no_figure() -> None:
    assert loss_figure([{"kimg": 1, "losses": {}}], "00-a") is None
    assert validation_figure([]) is None
