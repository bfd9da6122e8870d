"""The table of rules; a rule that is not named here does not exist."""

from __future__ import annotations

from tetrad.lint.rule import Rule
from tetrad.lint.rules import (
    bidirectional_control,
    context_overflow,
    credential,
    duplicate_key,
    floating_revision,
    golden_leak,
    ignored_key,
    invalid_suppression,
    invisible_character,
    json_without_schema,
    malformed_pin,
    missing_reference,
    schema_violation,
    stale_corpus_digest,
    stale_lock,
    tag_characters,
    template_syntax,
    undefined_variable,
    unreadable_file,
    unsafe_template,
    unsafe_weights,
    unsafe_yaml,
    unsound_case,
    unsound_example,
    unsound_output_schema,
    unsound_tool_schema,
    untrusted_instruction,
    untrusted_undelimited,
    unused_suppression,
    unused_variable,
)

CONTENT_RULES: tuple[Rule, ...] = (
    unreadable_file.RULE,
    unsafe_yaml.RULE,
    duplicate_key.RULE,
    schema_violation.RULE,
    missing_reference.RULE,
    template_syntax.RULE,
    undefined_variable.RULE,
    unused_variable.RULE,
    unsafe_template.RULE,
    untrusted_undelimited.RULE,
    untrusted_instruction.RULE,
    credential.RULE,
    bidirectional_control.RULE,
    tag_characters.RULE,
    invisible_character.RULE,
    context_overflow.RULE,
    json_without_schema.RULE,
    unsound_output_schema.RULE,
    unsound_example.RULE,
    floating_revision.RULE,
    malformed_pin.RULE,
    unsafe_weights.RULE,
    stale_corpus_digest.RULE,
    stale_lock.RULE,
    unsound_tool_schema.RULE,
    golden_leak.RULE,
    unsound_case.RULE,
    ignored_key.RULE,
)

# These judge what suppressions did to the findings of all others, so they run last.
SUPPRESSION_RULES: tuple[Rule, ...] = (unused_suppression.RULE, invalid_suppression.RULE)

RULES: tuple[Rule, ...] = CONTENT_RULES + SUPPRESSION_RULES
