"""The server of `tetrad lsp`: diagnostics, the page of a rule, and fixes; imported there alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from tetrad import __version__
from tetrad.cli.linted_document import Linted, linted
from tetrad.errors import TetradError
from tetrad.lint import Finding
from tetrad.lint.finding import Fix
from tetrad.lint.pages import page_of
from tetrad.lint.positions import Range
from tetrad.lint.rules import RULES

_PAUSE_S = 0.15  # after a keystroke, in which the next one may come
_HOME = "https://github.com/tetrad-dev/tetrad/blob/main/docs/rules"
_SEVERITIES = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "info": lsp.DiagnosticSeverity.Information,
}
_FIX_ALL = "source.fixAll.tetrad"
_CODE_ACTIONS = lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix, _FIX_ALL])


class OpenDocuments:
    """The documents that the editor has open, and what was found in each."""

    def __init__(self, server: LanguageServer) -> None:
        self._server = server
        self._linted: dict[str, Linted] = {}
        self._told = ""  # the last trouble, which is told once

    def current(self, uri: str) -> Linted | None:
        """What is found in the document as it is now."""
        document = self._server.workspace.get_text_document(uri)
        known = self._linted.get(uri)
        if known is None or known.version != document.version:
            self.publish(uri)
        return self._linted.get(uri)

    def publish(self, uri: str) -> None:
        """Lint a document, and show what is found."""
        document = self._server.workspace.get_text_document(uri)
        path = to_fs_path(uri)
        self._linted.pop(uri, None)
        try:
            found = linted(Path(path), document.version, self._open()) if path else None
        except TetradError as error:  # in the settings, say
            found = None
            self._show_message(str(error))
        if found is not None:
            self._linted[uri] = found
        diagnostics = [] if found is None else list(self._diagnostics(found))
        self._server.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(uri, diagnostics, document.version)
        )

    def publish_all(self) -> None:
        for uri in list(self._server.workspace.text_documents):
            self.publish(uri)

    def forget(self, uri: str) -> None:
        self._linted.pop(uri, None)
        self._server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))

    def at(self, uri: str, place: lsp.Range) -> Iterator[tuple[Linted, Finding]]:
        """The findings that a range touches."""
        found = self.current(uri)
        if found is None:
            return
        for finding in found.findings:
            span = self.range_of(found, finding.place.span)
            if span.start <= place.end and place.start <= span.end:
                yield found, finding

    def range_of(self, found: Linted, span: Range) -> lsp.Range:
        return lsp.Range(
            self._position(found, span.line, span.column),
            self._position(found, span.end_line, span.end_column),
        )

    def diagnostic(self, found: Linted, finding: Finding) -> lsp.Diagnostic:
        help_text = f"\nhelp: {finding.hint}" if finding.hint else ""
        return lsp.Diagnostic(
            range=self.range_of(found, finding.place.span),
            message=f"{finding.message}{help_text}",
            severity=_SEVERITIES[finding.severity],
            code=finding.code,
            code_description=lsp.CodeDescription(f"{_HOME}/{finding.name}.md"),
            source="tetrad",
        )

    def edits(self, found: Linted, fix: Fix) -> list[lsp.TextEdit]:
        lines = found.tree.lines(found.name)
        return [
            lsp.TextEdit(self.range_of(found, lines.span(edit.start, edit.end)), edit.text)
            for edit in fix.edits
        ]

    def _diagnostics(self, found: Linted) -> Iterator[lsp.Diagnostic]:
        yield from (self.diagnostic(found, finding) for finding in found.findings)

    def _open(self) -> dict[Path, str]:
        texts: dict[Path, str] = {}
        for uri, document in self._server.workspace.text_documents.items():
            path = to_fs_path(uri)
            if path:
                texts[Path(path).parent.resolve() / Path(path).name] = document.source
        return texts

    def _position(self, found: Linted, line: int, column: int) -> lsp.Position:
        """A place as the editor counts: from 0, and in units of the encoding agreed upon."""
        before = found.line(line)[: column - 1]
        match self._server.workspace.position_encoding:
            case lsp.PositionEncodingKind.Utf8:
                units = len(before.encode(errors="replace"))
            case lsp.PositionEncodingKind.Utf32:
                units = len(before)
            case _:
                units = len(before.encode("utf-16-le", errors="replace")) // 2
        return lsp.Position(line - 1, units)

    def _show_message(self, message: str) -> None:
        if message != self._told:
            self._told = message
            params = lsp.ShowMessageParams(lsp.MessageType.Error, message)
            self._server.window_show_message(params)


def server() -> LanguageServer:
    """The server, which nothing has been said to yet."""
    made = LanguageServer("tetrad", __version__)
    documents = OpenDocuments(made)
    _follow(made, documents)
    _answer(made, documents)
    return made


def _follow(made: LanguageServer, documents: OpenDocuments) -> None:
    """Diagnostics as documents change; others can refer to what is opened and saved."""

    @made.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        documents.publish(params.text_document.uri)

    @made.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        uri, version = params.text_document.uri, params.text_document.version
        await asyncio.sleep(_PAUSE_S)
        document = made.workspace.text_documents.get(uri)
        if document is not None and document.version == version:
            documents.publish(uri)

    @made.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: lsp.DidSaveTextDocumentParams) -> None:
        del params
        documents.publish_all()

    @made.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        documents.forget(params.text_document.uri)


def _answer(made: LanguageServer, documents: OpenDocuments) -> None:
    @made.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hover(params: lsp.HoverParams) -> lsp.Hover | None:
        place = lsp.Range(params.position, params.position)
        found = list(documents.at(params.text_document.uri, place))
        if not found:
            return None
        codes = {finding.code for _, finding in found}
        pages = [page_of(rule) for rule in RULES if rule.code in codes]
        text = lsp.MarkupContent(lsp.MarkupKind.Markdown, "\n---\n".join(pages))
        linted_document, first = found[0]
        return lsp.Hover(text, documents.range_of(linted_document, first.place.span))

    @made.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, _CODE_ACTIONS)
    def actions(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        uri = params.text_document.uri
        return [*_quick_fixes(documents, uri, params.range), *_fix_all(documents, uri)]


def _quick_fixes(documents: OpenDocuments, uri: str, place: lsp.Range) -> Iterator[lsp.CodeAction]:
    """A fix for each finding; the title says of an unsafe one that it is."""
    for found, finding in documents.at(uri, place):
        fix = found.fix_of(finding)
        if fix is not None:
            yield lsp.CodeAction(
                title=fix.title if fix.safe else f"{fix.title} (unsafe: may change the meaning)",
                kind=lsp.CodeActionKind.QuickFix,
                diagnostics=[documents.diagnostic(found, finding)],
                is_preferred=fix.safe,
                edit=lsp.WorkspaceEdit(changes={uri: documents.edits(found, fix)}),
            )


def _fix_all(documents: OpenDocuments, uri: str) -> Iterator[lsp.CodeAction]:
    found = documents.current(uri)
    text = found.fixed() if found else None
    if found is not None and text is not None:
        old = found.tree.texts[found.name]
        whole = documents.range_of(found, found.tree.lines(found.name).span(0, len(old)))
        yield lsp.CodeAction(
            title="apply all safe fixes",
            kind=_FIX_ALL,
            edit=lsp.WorkspaceEdit(changes={uri: [lsp.TextEdit(whole, text)]}),
        )
