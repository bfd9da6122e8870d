"""Bills of materials: valid by CycloneDX's own schema, complete, and the same each time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import _res
from goldens import check_golden
from inventory.systems import HOSTILE, write_system
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from tetrad import __version__
from tetrad.canonical import digest_bytes
from tetrad.cli import main
from tetrad.errors import ExitCode
from tetrad.inventory.licences import licences
from tetrad.inventory.package_urls import container_url, package_url
from tetrad.model import Source

EXAMPLES = Path(__file__).parents[2]
SCHEMAS = Path(_res.__path__[0])


def _schema(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.SNAPSHOT.schema.json").read_text())


def _validator() -> Draft7Validator:
    names = ("spdx", "jsf-0.82", "cryptography-defs")
    registry: Registry[Any] = Registry().with_resources(
        (f"{base}{name}.SNAPSHOT.schema.json", Resource.from_contents(_schema(name)))
        for name in names
        for base in ("", "http://cyclonedx.org/schema/")
    )
    return Draft7Validator(_schema("bom-1.7"), registry=registry)


VALIDATOR = _validator()


def bom(root: Path, name: str, capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    assert main(["--root", str(root), "bom", name]) == ExitCode.PASSED
    return json.loads(capsys.readouterr().out)


def assert_valid(document: Any) -> None:
    """Valid by the schema, with references that all lead somewhere."""
    problems = [f"{e.json_path}: {e.message[:300]}" for e in VALIDATOR.iter_errors(document)]
    parts = [
        document["metadata"]["component"],
        *document["components"],
        *document.get("services", []),
    ]
    refs = [part["bom-ref"] for part in parts]

    assert problems == []
    assert len(set(refs)) == len(refs)
    assert {d["ref"] for d in document["dependencies"]} == set(refs)
    assert {n for d in document["dependencies"] for n in d.get("dependsOn", ())} <= set(refs)


def part(document: Any, ref: str) -> Any:
    parts = [*document["components"], *document.get("services", [])]
    return next(p for p in parts if p["bom-ref"] == ref)


@pytest.mark.parametrize("name", ["triage", "handbook-qa", "order-desk"])
def test_the_bill_of_an_example_is_valid(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_valid(bom(EXAMPLES, name, capsys))


def test_the_bill_of_a_stack_with_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = bom(write_system(tmp_path), "desk", capsys)

    assert_valid(document)
    assert document["metadata"]["tools"]["components"][0].pop("version") == __version__
    del document["serialNumber"]  # comes from all the rest, the version included
    check_golden(
        Path(__file__).with_name("desk.cdx.json"),
        json.dumps(document, indent=2, ensure_ascii=False) + "\n",
    )


def test_what_differs_moves_and_the_rest_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_system(tmp_path)
    before = bom(root, "desk", capsys)
    again = bom(root, "stacks/desk", capsys)
    (root / "prompts/parts/rules.md").write_text("Be kind.\n")
    after = bom(root, "desk", capsys)

    assert again == before
    assert before["serialNumber"] != after["serialNumber"]
    assert [p for p in after["components"] if p not in before["components"]] == [
        part(after, "prompts/desk")
    ]
    digests = {
        f["name"]: f["hashes"][0]["content"] for f in part(after, "prompts/desk")["components"]
    }
    assert digests["prompts/parts/rules.md"] == digest_bytes(b"Be kind.\n").hex


def test_another_document_of_the_same_identity_has_another_serial_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_system(tmp_path)
    before = bom(root, "desk", capsys)
    stack = (root / "stacks/desk.yaml").read_text()
    (root / "stacks/desk.yaml").write_text(stack.replace("Answers at the desk.", "Answers."))
    after = bom(root, "desk", capsys)

    assert before["metadata"]["component"]["version"] == after["metadata"]["component"]["version"]
    assert before["serialNumber"] != after["serialNumber"]


def test_what_judges_a_stack_is_listed_as_no_part_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = bom(write_system(tmp_path), "desk", capsys)
    excluded = {p["bom-ref"] for p in document["components"] if p.get("scope") == "excluded"}

    assert excluded == {"evals/desk/golden.yaml", "stacks/models/judge"}


def test_hostile_text_is_inert_in_the_file_and_kept_in_the_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_system(tmp_path)
    file = root / "stacks/desk.yaml"
    file.write_text(file.read_text().replace("Answers at the desk.", f'"{HOSTILE}"'))
    capsys.readouterr()
    assert main(["--root", str(root), "bom", "desk", "-o", str(root / "bom.json")]) == 0
    text = (root / "bom.json").read_text()

    assert_valid(json.loads(text))
    assert json.loads(text)["metadata"]["component"]["description"].startswith("\x1b]0;title")
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert "##[" not in text


IDS = set(_schema("spdx")["enum"])


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("apache-2.0", [{"license": {"id": "Apache-2.0"}}]),
        (" MIT ", [{"license": {"id": "MIT"}}]),
        ("mit or (Apache-2.0 AND cc0-1.0)", [{"expression": "MIT OR (Apache-2.0 AND CC0-1.0)"}]),
        ("MIT OR other", [{"license": {"name": "MIT OR other"}}]),
        ("llama3.1", [{"license": {"name": "llama3.1"}}]),
        ("", []),
    ],
)
def test_a_licence_has_the_spelling_of_spdx(written: str, found: list[Any]) -> None:
    assert licences(written) == found


def test_every_known_licence_is_one_of_spdx() -> None:
    from tetrad.inventory import licences as module

    assert set(module._IDENTIFIERS) <= IDS


@pytest.mark.parametrize(
    ("scheme", "uri", "purl"),
    [
        ("hf", "hf://Qwen/Qwen3-8B@abc", "pkg:huggingface/Qwen/Qwen3-8B@abc"),
        ("hf", "hf://Qwen/Qwen3-8B", "pkg:huggingface/Qwen/Qwen3-8B"),
        ("pypi", "pypi://Llm_Smol.M==0.1.2+cpu", "pkg:pypi/llm-smol-m@0.1.2%2Bcpu"),
        ("oci", "oci://ghcr.io/a/B:1@sha256:00", "pkg:oci/b@sha256%3A00?repository_url=ghcr.io/a/B&tag=1"),
        ("vendor", "vendor://openai/gpt", None),
        ("file", "file://weights", None),
    ],
)  # fmt: skip
def test_a_source_has_the_package_url_of_its_kind(scheme: Any, uri: str, purl: str | None) -> None:
    assert package_url(Source(uri=uri, scheme=scheme)) == purl


def test_package_urls_are_read_by_others() -> None:
    from packageurl import PackageURL

    found = PackageURL.from_string(container_url("ghcr.io:443/vllm/vllm-openai:v1@sha256:00"))

    assert (found.type, found.name, found.version) == ("oci", "vllm-openai", "sha256:00")
    assert found.qualifiers == {"repository_url": "ghcr.io:443/vllm/vllm-openai", "tag": "v1"}
