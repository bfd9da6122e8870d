"""Text that tells a model what to do where only data or a description is expected.

The phrases are those of published injections. They are anchored to a verb and what it is to be done
to, so that prose about instructions ("follow the instructions on the label") is not one.
"""

from __future__ import annotations

import re

_PHRASES = re.compile(
    r"""(?ix)
      \b (?: ignore | disregard | forget | override | bypass ) \s+
      (?: (?: all | any | the | your | every | these | those | of ) \s+ ){0,3}
      (?: previous | prior | above | earlier | preceding | system | original | existing ) \s+
      (?: instructions? | prompts? | rules | directives? | guidelines | messages? )
    | \b (?: do \s+ not | don['’]t | never ) \s+ (?: tell | inform | mention \s+ (?: this | it ) \s+ to | reveal \s+ this \s+ to )
      \s+ (?: the \s+ )? user s? \b
    | \b you \s+ are \s+ now \s+ (?: in \s+ )? (?: a | an | the | dan | developer | jailbroken | unrestricted ) \b
      [^.\n]{0,60} \b (?: mode | assistant | ai | model | without )
    | \b (?: before | when ) \s+ (?: using | calling | you \s+ use ) \s+ this \s+ tool [^.\n]{0,80}
      \b (?: read | send | pass | include ) \b
    | < \s* (?: important | system | secret ) \s* >
    | <\|im_start\|> \s* system
    """
)


def instruction_in(text: str) -> re.Match[str] | None:
    """The first phrase of a text that is an instruction to a model; None where there is none."""
    return _PHRASES.search(text)
