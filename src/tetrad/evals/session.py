"""Wiring: engines, embedders, runtimes and judges, each built once and shared by all who use it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tetrad.answers import Answers, KeptRuns, answers_files, answers_path
from tetrad.artifacts.progress import Progress
from tetrad.artifacts.store import Store, store_from_environment
from tetrad.assertions.table import EMBEDDED, JUDGED
from tetrad.assertions.types.similar import embedding_of
from tetrad.canonical import Digest
from tetrad.corpora import CachedEmbedder, VectorStore
from tetrad.database import files_of
from tetrad.engines.brake import Brakes
from tetrad.engines.count import counter_of
from tetrad.engines.deferred import Deferred
from tetrad.engines.interfaces import Embedder
from tetrad.engines.wiring import build_embedder, build_engine
from tetrad.errors import SpecError
from tetrad.evals.judges import ReadyJudge
from tetrad.evals.kept_engine import Recorded
from tetrad.evals.prepared import PreparedOnce
from tetrad.evals.problems import problems_of
from tetrad.evals.python_process import PythonCode, code_places
from tetrad.evals.runner import SelectedCases
from tetrad.evals.services import SuiteServices
from tetrad.evals.similarities import Embeddings
from tetrad.git import refuse_committed
from tetrad.identity import component_digest, identity_of
from tetrad.model import (
    EMBEDDING_JUDGE,
    Case,
    EngineSpec,
    Model,
    Stack,
    Suite,
    assertions_of,
)
from tetrad.registry import Place, registry_place
from tetrad.results.gate_report import Helper
from tetrad.results.outcome import Calls
from tetrad.runtime.answering import Given, Prepared, Runtime, Toolbox
from tetrad.runtime.answering import build as build_runtime
from tetrad.tools import LiveRun, LiveToolbox, RecordedToolbox
from tetrad.trees import FileTree


@dataclass(kw_only=True, slots=True)
class Session:
    """Everything that one command evaluates with, for any number of suites and trees.

    Models are built once a digest, so that the base and the candidate, and all suites, fill the
    same batches. `engine` answers for the stacks' own engines: a preview, never evidence; judges
    keep theirs. `code` says whether code of a golden set may run.
    """

    answers: Answers
    runs: KeptRuns
    registry: Place
    store: Store
    cache: Path
    vectors: VectorStore = field(default_factory=VectorStore)
    offline: bool = False
    progress: Progress | None = None
    engine: EngineSpec | None = None
    code: bool = True
    _brakes: Brakes = field(init=False)
    _engines: dict[Digest, Recorded] = field(default_factory=dict, init=False)
    _embedders: dict[Digest, Embedder] = field(default_factory=dict, init=False)
    _runtimes: dict[tuple[Digest, FileTree], PreparedOnce] = field(default_factory=dict, init=False)
    _embeddings: dict[Digest, Embeddings] = field(default_factory=dict, init=False)
    _live: LiveRun = field(default_factory=LiveRun, init=False)
    _code_places: asyncio.Semaphore = field(default_factory=code_places, init=False)

    def __post_init__(self) -> None:
        self._brakes = Brakes(tell=None if self.progress is None else self.progress.note)

    @property
    def calls(self) -> Calls:
        """What all engines together were asked, judges included."""
        return sum((engine.calls for engine in self._engines.values()), Calls())

    def select(
        self,
        suite: Suite,
        stack: Stack,
        *,
        files: FileTree,
        suite_files: FileTree | None = None,
        cases: Sequence[Case] | None = None,
    ) -> SelectedCases:
        """Cases of a suite, all by default, ready to be executed on a stack of a tree.

        `suite_files` is the suite's tree where that is another one: the head's suite judges the base.
        SpecError with everything that keeps the suite's cases from being graded.
        """
        answering = self.answering(stack)
        issues = tuple(problems_of(suite, answering))
        if issues:
            raise SpecError(issues)
        return SelectedCases(
            suite=suite,
            stack=stack,
            identity=identity_of(stack),
            cases=suite.golden.cases if cases is None else tuple(cases),
            engine=self.engine_of(stack, files=files).ready(),
            runtime=self._prepared_once(stack, files),
            toolbox=partial(self._toolbox, suite, stack, files),
            services=self.services(suite, stack, suite_files or files),
            model=answering.model.name,
        )

    def prepare(
        self, stack: Stack, cases: Sequence[Case], *, files: FileTree
    ) -> tuple[Prepared, ...]:
        """The cases' requests as the stack will put them, without asking anything."""
        return self._prepared_once(stack, files).prepare_many(
            [Given(vars=case.vars, history=case.turns) for case in cases]
        )

    def engine_of(self, stack: Stack, *, files: FileTree) -> Recorded:
        """What answers a stack's requests."""
        return self._recorded(self.answering(stack).model, files)

    def runtime(self, stack: Stack, *, files: FileTree) -> Runtime:
        return self._prepared_once(stack, files).runtime

    def _prepared_once(self, stack: Stack, files: FileTree) -> PreparedOnce:
        key = (identity_of(stack), files)
        if key not in self._runtimes:
            runtime = build_runtime(
                stack,
                engine=self.engine_of(stack, files=files),
                embedder_of=partial(self._embedder, files=files),
                count=self._counter(stack.model, files),
                files=files,
                cache=self.cache,
                vectors=self.vectors,
            )
            self._runtimes[key] = PreparedOnce(runtime)
        return self._runtimes[key]

    def _counter(self, model: Model, files: FileTree) -> Callable[[str], int]:
        return counter_of(
            model, files=files, store=self.store, offline=self.offline, progress=self.progress
        )

    def embedder(self, model: Model, files: FileTree) -> Embedder:
        """What makes vectors with a model, each text once."""
        return CachedEmbedder(self._embedder(model, files=files), self.cache)

    async def aclose(self) -> None:
        """Let go of connections and threads. What is built stays usable for `prepare` only."""
        for engine in self._engines.values():
            await engine.aclose()
        await self._live.aclose()

    def answering(self, stack: Stack) -> Stack:
        """The stack with the engine that really answers."""
        if self.engine is None:
            return stack
        return replace(stack, model=replace(stack.model, engine=self.engine))

    def _recorded(self, model: Model, files: FileTree) -> Recorded:
        digest = component_digest(model)
        if digest not in self._engines:
            engine = partial(
                build_engine,
                model,
                files=files,
                store=self.store,
                offline=self.offline,
                progress=self.progress,
                brakes=self._brakes,
            )
            self._engines[digest] = Recorded(Deferred(model, engine), self.answers, digest)
        return self._engines[digest]

    def _embedder(self, model: Model, *, files: FileTree) -> Embedder:
        digest = component_digest(model)
        if digest not in self._embedders:
            self._embedders[digest] = build_embedder(
                model, files=files, store=self.store, offline=self.offline, progress=self.progress
            )
        return self._embedders[digest]

    def services(self, suite: Suite, stack: Stack, files: FileTree) -> SuiteServices:
        """What the assertions of the suite ask besides the answer."""
        used = {a.type for case in suite.golden.cases for a in assertions_of(case)}
        embedding = embedding_of(suite, stack) if used & EMBEDDED else None
        golden = suite.golden
        return SuiteServices(
            python=PythonCode(
                files,
                self._code_places,
                code=golden.code,
                opens=golden.opens,
                allowed=self.code,
            ),
            embeddings=None if embedding is None else self._embeddings_of(embedding, files),
            judges=self.judges(suite, files),
        )

    def _toolbox(self, suite: Suite, stack: Stack, files: FileTree, case: Case) -> Toolbox:
        if suite.tools == "live":
            return LiveToolbox(stack.tools, files.folder(), self._live)
        return RecordedToolbox(case.tools, stack.tools)

    def judges(self, suite: Suite, files: FileTree) -> Mapping[str, ReadyJudge]:
        """The judges that the suite's cases ask, if any do."""
        used = {a.type for case in suite.golden.cases for a in assertions_of(case)}
        return {
            name: ReadyJudge(
                name=name, engine=self._recorded(judge.model, files), prompt=judge.prompt
            )
            for name, judge in suite.judges.items()
            if name != EMBEDDING_JUDGE and used & JUDGED
        }

    def helpers(self, suites: Sequence[Suite], stack: Stack, files: FileTree) -> tuple[Helper, ...]:
        """The judges and embedders of a stack and its suites that were used, with their builds."""
        judges = [
            Helper(role="judge", name=name, build=judge.engine.build)
            for suite in suites
            for name, judge in self.judges(suite, files).items()
            if judge.engine.build
        ]
        embedding = [embedding_of(suite, stack) for suite in suites]
        embedding.append(stack.retrieval.corpus.embedding if stack.retrieval else None)
        embedding.append(stack.prompt.select.embedding if stack.prompt.select else None)
        embedders = [
            Helper(role="embedder", name=model.ref, build=self._embedders[digest].build)
            for model in embedding
            if model is not None and (digest := component_digest(model)) in self._embedders
        ]
        return tuple(dict.fromkeys([*judges, *embedders]))

    def _embeddings_of(self, model: Model, files: FileTree) -> Embeddings:
        digest = component_digest(model)
        if digest not in self._embeddings:
            self._embeddings[digest] = Embeddings(self.embedder(model, files))
        return self._embeddings[digest]


@contextmanager
def open_session(
    root: Path, *, offline: bool, engine: EngineSpec | None, progress: Progress | None
) -> Iterator[Session]:
    """What a command evaluates the tree at `root` with; answers and runs are closed at the end."""
    store, place = store_from_environment(), registry_place(root)
    registry = place if isinstance(place, Path) else None
    kept_answers = answers_path(root)
    files = (*(files_of(registry) if registry else ()), *answers_files(kept_answers))
    refuse_committed(root, root / ".tetrad", *files, store.root)
    with (
        Answers.open(kept_answers, earlier=registry) as answers,
        KeptRuns.open(kept_answers) as runs,
        closing(VectorStore(progress=progress)) as vectors,
    ):
        yield Session(
            answers=answers,
            runs=runs,
            registry=place,
            store=store,
            cache=store.root / "embeddings",
            vectors=vectors,
            offline=offline,
            progress=progress,
            engine=engine,
        )
