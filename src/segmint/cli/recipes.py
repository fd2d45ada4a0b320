"""`segmint recipes`."""

from __future__ import annotations


def recipes_verb() -> None:
    """List the recipes, what they give, and where they come from."""
    from rich.console import Console
    from rich.table import Table

    from segmint.recipes import RECIPES

    table = Table("recipe", "what it is", "gives", "source", header_style="bold")
    for recipe in RECIPES:
        table.add_row(recipe.name, recipe.title, ", ".join(sorted(recipe.gives)), recipe.source)
    Console().print(table)
