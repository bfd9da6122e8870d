"""Strangers' words are inert in every format: nothing of them acts, and a reader still sees them."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from report import samples

from tetrad.report import FORMATS, render
from tetrad.report.inert_markdown import code, fenced

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><style>*{display:none}</style>",
    "<img src=x onerror=alert(1)>",
    "\" onmouseover=alert(1) x='",
    "' onfocus=alert(1) autofocus='",
    "{{ 7 * 7 }}{% raw %}{{ report }}",
    "${7*7} #{7*7} <%= 7*7 %>",
    "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x9b31mred\x9d0;title\x9c",
    "admin\u202egnp.exe\u2066\u200b\ufeff\U000e0041",
    "```\n````\n</details>\n# heading",
    "`````` ` ``",
    "::error file=x::owned\n::stop-commands::x\n  ::set-output name=a::b",
    "##[error]owned ##vso[task.setvariable]x",
    "[click](javascript:alert(1)) ![x](https://evil.example/x.png) <https://evil.example>",
    "https://evil.example www.evil.example mail@evil.example",
    "@everyone @org/team #1 org/repo#2 GH-3 1f3c0aa95a1ab5cb2f8f1c8cbd4e3a3f3c8a7b10",
    "| a | b |\n|---|---|\n| c | \\| |",
    "]]> <![CDATA[ <!-- --> <?xml?> <!DOCTYPE x [<!ENTITY a 'b'>]>",
    "nul \x00 bell \x07 backspace \x08 delete \x7f",
    "lone \ud800 surrogate",
    "[bold red]rich markup[/] [link=https://evil.example]x[/link] :smile:",
    "&lt;script&gt; &amp; &#60;script&#62;",
    "$$\\href{https://evil.example}{x}$$",
    "a\u0301" * 50 + "z" * 300,
)
ACTIVE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ufeff\ud800-\udfff]"
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("fmt", FORMATS)
def test_nothing_invisible_or_obeyed_by_a_terminal_is_left(fmt: str, text: str) -> None:
    rendered = render(samples.hostile(text), fmt)

    assert ACTIVE.search(rendered) is None
    assert "\U000e0041" not in rendered
    assert rendered.encode()


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("fmt", FORMATS)  # also the pages: `tee` shows them in a log
def test_no_line_of_a_log_is_a_workflow_command(fmt: str, text: str) -> None:
    rendered = render(samples.hostile(text), fmt)

    assert not [line for line in rendered.splitlines() if line.lstrip().startswith("::")]
    assert "##[" not in rendered


class Structure(HTMLParser):
    """The tags of a page with the names of their attributes, and what is in scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.code: dict[str, list[str]] = {"script": [], "style": []}
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.code:
            self.code[self._inside].append(data)

    def handle_comment(self, data: str) -> None:
        self.tags.append(("comment", ()))


@pytest.mark.parametrize("text", HOSTILE)
def test_the_page_has_the_same_elements_whatever_strangers_write(text: str) -> None:
    hostile = Structure(render(samples.hostile(text), "html"))
    harmless = Structure(render(samples.hostile("x"), "html"))

    # Only the lines of a diff are as many as the text has.
    assert _without_spans(hostile) == _without_spans(harmless)
    assert hostile.code == harmless.code


def _without_spans(page: Structure) -> list[tuple[str, tuple[str, ...]]]:
    return [tag for tag in page.tags if tag[0] != "span"]


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(categories=None), min_size=1))
def test_the_page_stays_the_same_under_any_text(text: str) -> None:
    hostile = Structure(render(samples.hostile(text), "html"))

    assert {name for _, name, _ in hostile.attributes} <= ALLOWED_ATTRIBUTES
    assert len(hostile.code["script"]) == len(hostile.code["style"]) == 1


ALLOWED_ATTRIBUTES = {
    "aria-hidden", "aria-label", "aria-labelledby", "aria-live", "aria-pressed", "autocomplete",
    "charset", "checked", "class", "content", "cx", "cy", "data-kind", "data-suite", "data-tags",
    "height", "hidden", "href", "http-equiv", "id", "lang", "name", "open", "placeholder",
    "points", "preserveaspectratio", "r", "role", "rx", "spellcheck", "tabindex", "text-anchor",
    "transform", "type", "value", "viewbox", "width", "x", "x1", "x2", "y", "y1", "y2",
}  # fmt: skip


def test_the_page_reaches_for_nothing_and_allows_only_its_own_script_and_style() -> None:
    page = Structure(render(samples.failing(), "html"))

    assert {name for _, name, _ in page.attributes} <= ALLOWED_ATTRIBUTES
    links = {value for _, name, value in page.attributes if name == "href"}
    assert links == {"#cases", "#suite-1-1", "#suite-2-1", "#opening-1", "#opening-2"}
    policy = next(v for _, name, v in page.attributes if name == "content" and "default-src" in v)
    (script,), (style,) = page.code["script"], page.code["style"]
    assert policy == (
        f"default-src 'none'; style-src '{_source(style)}'; script-src '{_source(script)}';"
        " base-uri 'none'; form-action 'none'"
    )
    assert "@import" not in style
    assert "url(" not in style
    for reach in ("fetch", "XMLHttpRequest", "import(", "innerHTML", "eval", "insertAdjacentHTML"):
        assert reach not in script


def _source(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@pytest.mark.parametrize("text", HOSTILE)
def test_junit_has_the_same_elements_whatever_strangers_write(text: str) -> None:
    def shape(words: str) -> list[tuple[str, tuple[str, ...]]]:
        root = ET.fromstring(render(samples.hostile(words), "junit"))
        return [(element.tag, tuple(element.keys())) for element in root.iter()]

    assert shape(text) == shape("x")


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_has_no_link_image_heading_or_html_of_strangers(text: str) -> None:
    comment = render(samples.hostile(text), "markdown")

    tokens = MarkdownIt("commonmark").enable("table").parse(comment)
    inline = [child for token in tokens for child in token.children or ()]
    assert {"link_open", "image", "html_inline"}.isdisjoint(child.type for child in inline)
    for block in (token.content for token in tokens if token.type == "html_block"):
        bare = re.sub(r"</?(?:details|summary|code)>", "", block)
        assert "<" not in bare
    headings = [token for token in tokens if token.type == "heading_open"]
    harmless = (
        MarkdownIt("commonmark").enable("table").parse(render(samples.hostile("x"), "markdown"))
    )
    assert len(headings) == sum(token.type == "heading_open" for token in harmless)
    cells = sum(token.type == "td_open" for token in tokens)
    assert cells == sum(token.type == "td_open" for token in harmless)


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_mentions_nobody_and_refers_to_nothing(text: str) -> None:
    tokens = (
        MarkdownIt("commonmark").enable("table").parse(render(samples.hostile(text), "markdown"))
    )

    spoken = [c.content for t in tokens for c in t.children or () if c.type == "text"]
    blocks = (t.content for t in tokens if t.type == "html_block")
    spoken += [unescape(re.sub(r"<code>[^<]*</code>|<[^>]*>", "", block)) for block in blocks]
    for words in spoken:
        assert re.search(r"@\w|\w#\d|GH-\d|://|www\.|:\w+:|\$\$", words) is None


@given(st.text(st.sampled_from("`~ a\n|\\*_<>&[]()!@#$:")))
def test_no_text_gets_out_of_a_block_or_a_span(text: str) -> None:
    markdown = MarkdownIt("commonmark")

    blocks = [t.type for t in markdown.parse(fenced(text, 1000))]
    spans = [c.type for t in markdown.parse(f"x {code(text)} y") for c in t.children or ()]

    assert blocks == ["fence"]
    assert spans in (["text", "code_inline", "text"], ["text"])


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no browser on this machine")
def test_a_browser_runs_the_filters_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    attack = (
        "</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'>"
    )
    page.write_text(render(samples.hostile(attack), "html"), encoding="utf-8")

    dom = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}",
         "--dump-dom", page.as_uri()],
        capture_output=True, check=True, text=True, timeout=120,
    ).stdout  # fmt: skip

    assert "<title>owned" not in dom
    assert 'class="filters" hidden' not in dom
    assert re.search(r"<output[^>]*>4 of 20</output>", dom)
