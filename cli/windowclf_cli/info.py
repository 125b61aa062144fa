"""`windowclf info`."""

from dataclasses import asdict

import click

from windowclf.config_io import config_to_dict, config_to_toml
from windowclf.model import UNCALIBRATED, Calibration
from windowclf.tagger import WindowTagger
from windowclf_cli.options import json_option, model_argument
from windowclf_cli.output import describe_labels, percent, print_json, print_table, score_name

_LOSSES = {"softmax": "of single words (softmax)", "crf": "of whole sentences (crf)"}


@click.command()
@model_argument
@json_option
def command(model: str, as_json: bool) -> None:
    """Show what MODEL is and what it was trained on.

    Example:

        windowclf info runs/mine
    """
    stored = WindowTagger.load(model).model
    arrays = {name: array.shape for name, array in stored.parameters.items()}
    if as_json:
        print_json(
            {
                "version": stored.version,
                "labels": stored.labels.names,
                "scheme": stored.labels.scheme,
                "ignore_label": stored.labels.ignore,
                "loss": stored.config.model.loss,
                "correction": asdict(stored.calibration),
                "columns": {name: len(values) for name, values in stored.columns.values.items()},
                "parameters": {name: list(shape) for name, shape in arrays.items()},
                "training_words": len(stored.vocabulary.training_counts),
                "info": stored.info,
                "config": config_to_dict(stored.config),
            }
        )
        return
    info = stored.info
    training = info["training"]
    click.echo(f"version     {stored.version}")
    click.echo(f"labels      {describe_labels(stored.labels)}: {', '.join(stored.labels.names)}")
    click.echo(
        f"training    {training['sentences']:,} sentences, {training['tokens']:,} words, "
        f"{len(stored.vocabulary.training_counts):,} different"
    )
    for i, member in enumerate(info.get("members", [training]), 1):
        if member.get("dev_score") is not None:
            name = f"member {i}" if "members" in info else "dev"
            score = f"{score_name(stored.labels)} {percent(member['dev_score'])}"
            click.echo(f"{name:<11} {score} (epoch {member['best_epoch']})")
    click.echo(f"loss        {_LOSSES[stored.config.model.loss]}")
    click.echo(f"calibration {_describe(stored.calibration)}")
    for gazetteer in info.get("gazetteers", []):
        click.echo(f"gazetteer   {gazetteer['name']}, {gazetteer['phrases']:,} phrases")
    for name, values in stored.columns.values.items():
        click.echo(f"column      {name}, {len(values):,} values")
    vectors = info["vectors"]
    scales = vectors["scale"] if isinstance(vectors["scale"], list) else [vectors["scale"]]
    click.echo(
        f"vectors     {vectors['name']} × {', '.join(f'{scale:.4g}' for scale in scales)}, "
        f"{stored.config.model.tuning}, sha256 {vectors['sha256']}\n"
    )
    rows = [(name, " × ".join(f"{n:,}" for n in shape)) for name, shape in arrays.items()]
    print_table(["parameter", "shape"], rows)
    click.echo("\n" + config_to_toml(stored.config).rstrip())


def _describe(calibration: Calibration) -> str:
    if calibration == UNCALIBRATED:
        return "none"
    said, spans = [f"temperature {calibration.temperature:.3f}"], calibration.spans
    if spans:
        of_kinds = "".join(f", {kind} {offset:+.3f}" for kind, offset in spans.kinds.items())
        said.append(f"Platt scaling of spans × {spans.slope:.3f} {spans.offset:+.3f} ({of_kinds[2:]})")
    if calibration.outside_cost:
        said.append(f"O penalty {calibration.outside_cost:g}")
    return ", ".join(said)
