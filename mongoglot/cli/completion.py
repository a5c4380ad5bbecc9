"""`completion`: what makes a shell complete the commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def completion_command(shell: str) -> None:
    """Print what makes SHELL complete commands, options, their values, and names of files.

    In bash, put this line into ~/.bashrc; in zsh the same with zsh, into ~/.zshrc. In fish, write what it
    prints to ~/.config/fish/completions/mongoglot.fish.

    \b
    eval "$(mongoglot completion bash)"
    eval "$(mongoglot completion zsh)"
    mongoglot completion fish > mongoglot.fish
    """
    from mongoglot.cli.main import main

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has them all
    completer = kind(main, {}, "mongoglot", "_MONGOGLOT_COMPLETE")
    click.echo(completer.source_template % completer.source_vars())
