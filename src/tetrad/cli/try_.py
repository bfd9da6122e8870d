"""`tetrad try STACK name=value …`: answer one request, and show how the answer came about."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tetrad.cli.options import add_engine, add_format
from tetrad.cli.output import write_out
from tetrad.cli.progress_display import progress_bars
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console, RenderableType
    from rich.text import Text

    from tetrad.canonical import Json
    from tetrad.engines.interfaces import Embedder
    from tetrad.model import Model, Prices, Stack, Variable
    from tetrad.results.exchange import Message
    from tetrad.results.trace import Called, Generated, Retrieved, Trace


_SHOWN = 4_000  # characters of one message
_EXAMPLE = "tetrad try handbook-qa question='How many days of leave do I get?'"


def add_arguments(parser: ArgumentParser) -> None:
    parser.epilog = f"example: {_EXAMPLE}"
    parser.add_argument("stack", metavar="STACK", help="a stack, as triage or stacks/triage")
    parser.add_argument(
        "vars",
        metavar="NAME=VALUE",
        nargs="*",
        help="the prompt's variables; values other than text are JSON",
    )
    add_engine(parser)
    add_format(parser, "text", "json")


def run(args: Namespace) -> ExitCode:
    from tetrad.loading.repositories import find, load_named

    root = root_of(args)
    repository = load_named(root, [args.stack])
    stack = repository.stacks[find(repository, args.stack, repository.stacks)]
    given = _given(args.vars, stack)
    if args.engine is not None:
        stack = replace(stack, model=replace(stack.model, engine=args.engine))
    tried = asyncio.run(_try(stack, given, root=root, offline=args.offline))
    if args.format == "json":
        write_out(_as_json(tried.trace))
    else:
        from rich.console import Console

        from tetrad.text import lines_of

        console = Console(highlight=False, markup=False, emoji=False)
        with console.capture() as shown:
            _show(console, stack, tried)
        text = shown.get()
        if not sys.stdout.isatty():  # who reads a pipe sees no blanks that fill a line
            text = "".join(f"{line.rstrip()}\n" for line in lines_of(text))
        write_out(text)
    if tried.trace.error is not None:
        return ExitCode.INCONCLUSIVE
    return ExitCode.PASSED


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tried:
    trace: Trace
    engine: str
    seconds: float  # of the answer alone, once everything is loaded


def _given(written: Sequence[str], stack: Stack) -> dict[str, Json]:
    """The variables on the command line; UsageError for what the prompt does not take."""
    from tetrad.model.variables import missing_in
    from tetrad.schemas.nearest import did_you_mean

    taken = {n: v for n, v in stack.prompt.variables.items() if n not in stack.filled}
    given: dict[str, Json] = {}
    for one in written:
        name, equals, value = one.partition("=")
        if not equals:
            raise UsageError(f"{one!r} is not NAME=VALUE\n  help: {_usage(stack, taken)}")
        if name not in taken:
            hint = did_you_mean(name, taken, _usage(stack, taken))
            raise UsageError(f"{stack.name} takes no variable {name!r}\n  help: {hint}")
        if name in given:
            raise UsageError(f"{name} is given twice")
        given[name] = _value(taken[name], value)
    missing = missing_in(stack.prompt, given, stack.filled)
    if missing:
        names = ", ".join(missing)
        raise UsageError(f"{stack.name} needs {names}\n  help: {_usage(stack, taken)}")
    return given


def _usage(stack: Stack, taken: Mapping[str, Variable]) -> str:
    required = [f"{name}='…'" for name, variable in taken.items() if variable.required]
    optional = [f"[{name}='…']" for name, variable in taken.items() if not variable.required]
    return " ".join(["tetrad try", stack.name, *required, *optional])


def _value(variable: Variable, written: str) -> Json:
    if variable.type == "string":
        return written
    try:
        value: Json = json.loads(written)
    except (ValueError, RecursionError):
        return written  # not of the type: the runtime says so
    return value


async def _try(stack: Stack, given: Mapping[str, Json], *, root: Path, offline: bool) -> _Tried:
    from tetrad.artifacts.store import store_from_environment
    from tetrad.corpora import VectorStore
    from tetrad.engines.count import counter_of
    from tetrad.engines.wiring import build_embedder, build_engine
    from tetrad.git import refuse_committed
    from tetrad.runtime import answering
    from tetrad.tools import LiveRun, LiveToolbox
    from tetrad.trees import WorkingTree

    store, progress = store_from_environment(), progress_bars()
    files = WorkingTree(root)
    refuse_committed(root, store.root)

    def embedder_of(model: Model) -> Embedder:
        return build_embedder(model, files=files, store=store, offline=offline, progress=progress)

    engine = build_engine(
        stack.model,
        files=files,
        store=store,
        offline=offline,
        progress=progress,
        first_token=True,  # somebody is looking, and one answer can bear what streaming costs
    )
    vectors = VectorStore(progress=progress)
    try:
        running = answering.build(
            stack,
            engine=engine,
            embedder_of=embedder_of,
            count=counter_of(
                stack.model, files=files, store=store, offline=offline, progress=progress
            ),
            files=files,
            cache=store.root / "embeddings",
            vectors=vectors,
        )
        begun = time.perf_counter()
        async with aclosing(LiveRun()) as run:
            trace = await running.answer(given, toolbox=LiveToolbox(stack.tools, root, run))
        seconds = time.perf_counter() - begun
    finally:
        vectors.close()
        await engine.aclose()
    return _Tried(trace=trace, engine=engine.name, seconds=seconds)


def _as_json(trace: Trace) -> str:
    from tetrad.results.codec import Codec
    from tetrad.text import json_escaped

    written = json.dumps(Codec().dump(trace), ensure_ascii=False, indent=2, default=dict)
    return json_escaped(written) + "\n"


def _show(console: Console, stack: Stack, tried: _Tried) -> None:
    from tetrad.identity import identity_of, short

    trace = tried.trace
    console.print(_line(stack.name, "bold"), _line(short(identity_of(stack)), "dim"), end=" ")
    console.print(_line(f"on {tried.engine}", "dim"))
    asked = 0
    for step in trace.steps:
        asked = _show_step(console, step, asked)
    console.print()
    if trace.error is not None:
        console.print(_boxed(_text(trace.error), "no answer", "red"))
    else:
        console.print(_boxed(_text(trace.output), "answer", "green"))
        if trace.withheld:
            console.print(_line(f"! {trace.withheld}", "yellow"))
    console.print(_line(_costs(trace, tried.seconds, stack.model.prices), "dim"))


def _show_step(console: Console, step: Any, asked: int) -> int:
    """Show a step; of a request only the messages that no request before it had."""
    from tetrad.results.trace import Called, Generated, Guarded, Retrieved

    match step:
        case Retrieved():
            _show_passages(console, step)
        case Generated():
            _show_messages(console, step.request.messages[asked:], step)
            return len(step.request.messages)
        case Called():
            _show_call(console, step)
        case Guarded():
            console.print(_line(f"! {step.rule}: {step.detail}", "yellow"))
    return asked


def _show_passages(console: Console, step: Retrieved) -> None:
    from rich.table import Table

    _head(console, "passages")
    # as wide as the screen: only then it is the text that gives way to the other columns
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    table.add_column("score", justify="right")
    table.add_column("similarity", justify="right")
    table.add_column("document", style="cyan")
    table.add_column("text", ratio=1, no_wrap=True, overflow="ellipsis")
    for passage in step.passages:
        table.add_row(
            f"{passage.score:.3f}",
            f"{passage.similarity:.3f}",
            _line(passage.document),
            _line(passage.text),
        )
    console.print(table)
    if not step.answerable:
        console.print(_line("! no passage is similar enough, so the model is not asked", "yellow"))


def _show_messages(console: Console, messages: Sequence[Message], step: Generated) -> None:
    from rich.padding import Padding
    from rich.text import Text

    _head(console, "prompt")
    if step.request.style == "completion":
        console.print(Text("\n\n").join(_text(message.content) for message in messages))
    else:
        for message in messages:
            if message.content:
                console.print(_line(message.role, "magenta"))
                console.print(Padding(_text(message.content), (0, 0, 0, 2)))
    for call in step.completion.tool_calls:
        console.print(_line(f"asks for {call.name}", "dim"))


def _show_call(console: Console, step: Called) -> None:
    arguments = json.dumps(step.call.arguments, ensure_ascii=False, default=dict)
    _head(console, "tool")
    console.print(_line(f"{step.call.name} {arguments}"))
    if step.error is not None:
        console.print(_line(f"  ! {step.error}", "yellow"))
    else:
        result = json.dumps(step.result, ensure_ascii=False, default=dict)
        console.print(_line(f"  → {result}"))


def _costs(trace: Trace, seconds: float, prices: Prices | None) -> str:
    from tetrad.text import usd

    usage = trace.usage
    if usage.input_tokens is None or usage.output_tokens is None:
        said = "tokens not counted by the endpoint"
    else:
        said = f"{usage.input_tokens:,} tokens in"
        if usage.cached_input_tokens:
            said += f" ({usage.cached_input_tokens:,} cached)"
        said += f", {usage.output_tokens:,} out"
    said += f", {seconds:.2f} s"
    first = [one.completion.first_token_s for one in trace.generated]
    if first and first[0] is not None:
        said += f" (the first after {first[0]:.2f} s)"
    cost = usage.cost_usd(prices)
    return said if cost is None else f"{said}, {usd(cost)}"


def _head(console: Console, title: str) -> None:
    console.print()
    console.rule(_line(title, "bold"), align="left", style="dim")


def _boxed(content: Text, title: str, style: str) -> RenderableType:
    from rich.panel import Panel

    return Panel(content, title=title, title_align="left", border_style=style)


def _line(text: str, style: str = "") -> Text:
    """Text of strangers on one line; rich reads no markup in a Text."""
    from rich.text import Text

    from tetrad.text import for_log, one_line

    return Text(for_log(one_line(text)), style=style)


def _text(text: str) -> Text:
    from rich.text import Text

    from tetrad.text import capped, for_log

    return Text(for_log(capped(text, _SHOWN)))
