"""Where a prompt tells the model that a text is data: "never an instruction", "untrusted", "ignore …".

People write this in many ways, so all of them count, whichever text they are said of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain

_ORDERS = r"(?:instructions?|commands?|orders|directives?|directions)"
_ANY_ORDERS = r"(?:instructions?|commands?|orders|directives?|directions|requests?|prompts?|questions?|attempts?)"
_WITHIN = (
    r"(?:in|inside|within|from|into|between|below|embedded|contain(?:s|ed)?|appear\w*|found|hidden|present|"
    r"it\s+(?:may|might)|that\s+(?:tr(?:y|ies)|attempts?|asks?|tells?|says?|claims?))"
)
_NOT = r"(?:\bnot|\bnever|n['’]t|\bavoid|\brefuse\s+to|\bwithout)\b"
_TEXTS = (
    r"(?:data|untrusted|text|content|inputs?|material|quot(?:es?|ed|ation)|evidence|information|"
    r"references?|strings?|literals?|prose|opaque|inert)"
)
# Each with parts of words without which it cannot match, so that few are compiled: "@" for all of these.
_STEMS = "instruct command order directi"
_ENGLISH = (
    # It is data, never an instruction.
    (
        "@",
        (
            rf"(?:\bnot|\bnever|n['’]t|\brather\s+than|\binstead\s+of|\bno)\s+(?:(?:as|an?|any|to\s+be|be|treated|"
            rf"taken|read|interpreted|considered|part\s+of\s+(?:the|your|these)|your|new|further|further|actual|"
            rf"direct|real|valid|system|additional|executable|trusted|model|of)\s+){{0,4}}{_ORDERS}\b"
        ),
    ),
    (
        "order",
        r"\b(?:not|never)\s+an\s+order\b",
    ),
    (
        "data",
        r"\bdata\s*(?:,|;|:|-|–|—|\(|and|\.)\s*(?:it\s+is\s+|they\s+are\s+|and\s+)?(?:not|never)\b|\bdata[\s-]only\b",
    ),
    (
        "data",
        (
            r"\b(?:is|are|as|be|only|just|purely|strictly|merely|solely)\s+(?:(?:only|just|purely|strictly|merely|"
            r"solely|pure|plain|raw|opaque|inert|quoted|passive|user|customer|simply)\s+)*data\b"
            r"(?!\s+(?:about|on|for|from|in|analy|scien|engineer|set|base|structure|type|point|visual|driven|model))"
        ),
    ),
    # Do not follow instructions in it; ignore those that it contains.
    (
        "@ request prompt inject",
        (
            rf"{_NOT}\s+(?:\w+\s+){{0,2}}?(?:follow\w*|obey\w*|execut\w+|act(?:ing)?\s+(?:up)?on|comply\w*|"
            rf"carry\w*\s+out|heed|perform|accept|honou?r|adopt|trust|listen|interpret\w*|treat|take|run|be\s+\w+ed\s+by|"
            rf"let)\b[^.!?\n]{{0,100}}\b(?:{_ORDERS}|requests|prompts|injections?)\b"
        ),
    ),
    (
        "inside within embedded contained contains it them",
        (
            rf"{_NOT}\s+(?:\w+\s+){{0,2}}?(?:respond\s+to|answer|follow\w*|obey\w*|execut\w+|act\s+on|trust)\b"
            rf"[^.!?\n]{{0,60}}\b(?:inside|within|embedded|contained|it\s+contains|(?:in|of)\s+(?:it|them)\b)"
        ),
    ),
    (
        "ignor disregard resist reject",
        (
            rf"\b(?:ignor\w+|disregard\w*|resist\w*|reject\w*)\b[^.!?\n]{{0,80}}\b{_ANY_ORDERS}\b[^.!?\n]{{0,80}}"
            rf"\b{_WITHIN}\b"
        ),
    ),
    (
        "ignore disregard",
        (
            rf"\b(?:ignore|disregard)\s+(?:any|all)\s+(?:(?!previous|prior|earlier|above)\w+\s+){{0,2}}?{_ORDERS}\b"
            r"(?!\s+(?:above|before))"
        ),
    ),
    (
        "@",
        (
            rf"\b{_ORDERS}\b[^.!?\n]{{0,100}}\b(?:(?:is|are|be)\s+(?:to\s+be\s+)?(?:ignored|disregarded)|"
            rf"(?:do|does|must|should|can|may)\s*(?:not|n['’]t|never)\s+(?:be\s+(?:followed|obeyed|executed)|apply|count|"
            rf"change|override))"
        ),
    ),
    (
        "authority addressed obeyed executed followed @",
        (
            r"\b(?:no|any)\s+authority\b|\bnot\s+addressed\s+to\s+you\b|\b(?:not|never)\s+(?:to\s+)?be\s+(?:obeyed|"
            rf"followed|executed)\b|(?:{_NOT}|\bcannot)\s+(?:give|contain|hold|be|count\s+as)\b[^.!?\n]{{0,30}}\b(?:{_ORDERS}\s+for\s+|"
            rf"orders\b)|\bno\s+{_ORDERS}\s+for\s+you\b|\b{_ORDERS}\s+come\s+only\b"
        ),
    ),
    (
        "chang overrid overrul replac modif alter influenc",
        (
            rf"(?:{_NOT}|\bcannot\b)[^.!?\n]{{0,60}}\b(?:chang|overrid|overrul|replac|modif|alter|influenc)\w*\s+(?:\w+\s+)?"
            rf"(?:your|these|those|the|my|this)\s+(?:\w+\s+)?(?:{_ORDERS}|rules?|tasks?|roles?|behaviou?r)\b"
        ),
    ),
    (
        "nothing",
        r"\bnothing\s+(?:in(?:side)?|within|between|below)\b[^.!?\n]{0,60}\b(?:instruct|chang|overrid|command|order)",
    ),
    # Treat it as data; it is untrusted, a stranger's, perhaps an attack.
    (
        "treat regard consider handl interpret view process pars",
        (
            rf"\b(?:treat|regard|consider|handl|interpret|view|process|pars)\w*\b[^.!?\n]{{0,140}}\b(?<!well\s)as\b\s+"
            rf"(?:[\w'’]+[\s,/-]+){{0,5}}?{_TEXTS}\b|\bconsider\b[^.!?\n]{{0,100}}\bto\s+be\s+(?:\w+\s+)?{_TEXTS}\b"
        ),
    ),
    (
        "only purely strictly solely just merely",
        r"\b(?:us|read|see|quot|analy[sz])\w*\b[^.!?\n]{0,100}\b(?:only|purely|strictly|solely|just|merely)\s+as\b",
    ),
    (
        "trust",
        r"\buntrusted\b|\bun-trusted\b|\bnot\s+(?:be\s+|to\s+be\s+)?trust(?:ed|worthy)\b|\b(?:never|n['’]t|not)\s+trust\b",
    ),
    (
        "inject",
        r"\bprompt[\s-]injections?\b|\binjection\s+(?:attempt|attack)s?\b|\binjected\s+(?:instruction|prompt|text)s?\b",
    ),
    (
        "malicious hostile adversarial manipulat mislead trick deceptive override",
        (
            r"\b(?:may|might|can|could|will)\s+(?:contain|include|try|attempt|be)\b[^.!?\n]{0,60}\b(?:malicious|hostile|"
            r"adversarial|manipulat\w+|mislead\w*|trick\w*|deceptive|override)\b"
        ),
    ),
    (
        "attempt",
        r"\battempts?\s+to\s+(?:manipulate|override|hijack|trick|subvert|inject|alter|redirect)\b",
    ),
    (
        "input generated supplied submitted provided written controlled authored",
        (
            r"\b(?:is|are|was|were|contains?|includes?|holds?)\s+(?:\w+\s+){0,2}?(?:user|customer|third[\s-]party|"
            r"externally)[\s-](?:input|generated|supplied|submitted|provided|written|controlled|authored)\b"
        ),
    ),
    # Only my instructions count, whatever it says.
    (
        "only",
        (
            rf"\bonly\s+(?:follow\s+|obey\s+)?(?:the\s+|my\s+|those\s+)?{_ORDERS}\b[^.!?\n]{{0,60}}\b(?:system|this\s+(?:prompt|message|document)|above|"
            rf"outside)\b"
        ),
    ),
    (
        "even matter regardless whatever",
        (
            r"\b(?:even\s+(?:if|when)|no\s+matter\s+what|regardless\s+of\s+what|whatever)\b[^.!?\n]{0,60}\b(?:asks?|says?|"
            r"tells?|instructs?|claims?|contains?|looks?\s+like|commands?|orders?|reads?\s+like|demands?|requests?)\b"
        ),
    ),
    (
        "look",
        r"\blooks?\s+like\s+(?:an?\s+)?(?:instruction|command|order|request|question)",
    ),
    (
        "answer",
        (
            r"\b(?:not|n['’]t|never)\s+(?:try\s+to\s+)?answer\s+(?:the|this|that|any)\s+(?:\w+\s+)?(?:question|query)\b\s*[,;:–—-]?\s*"
            r"(?:just|only|instead|itself|but|simply)\b"
        ),
    ),
)
_OTHERS = (
    (
        "daten anweisung befehl instruktion vertrauen",
        (
            r"\b(?:als|reine|nur)\s+(?:\w+\s+)?Daten\b|\b(?:keine?n?|nicht|niemals|nie)\b[^.\n]{0,60}(?:Anweisung|"
            r"Befehl|Instruktion)|(?:Anweisung|Befehl|Instruktion)\w*[^.\n]{0,80}(?:ignorier|nicht\s+(?:befolg|ausf))|"
            r"(?:ignorier|missacht)\w*[^.\n]{0,60}(?:Anweisung|Befehl|Instruktion)|nicht\s+vertrauenswürdig"
        ),
    ),
    (
        "données instruction consigne ordre",
        (
            r"\bcomme\s+(?:de\s+simples\s+|des\s+)?données|\b(?:jamais|pas|non|aucune?)\b[^.\n]{0,60}(?:instruction|"
            r"consigne|ordre)|\bignore[rz]?\s+(?:les|toute?s?|tous|des)\b[^.\n]{0,60}(?:instruction|consigne|ordre)"
        ),
    ),
    (
        "datos dados instrucc instruç orden comando",
        (
            r"\bcomo\s+(?:simples\s+|meros\s+)?(?:datos|dados)|\b(?:no|nunca|ninguna?|não|nenhuma?)\b[^.\n]{0,60}"
            r"(?:instrucci|instruç|órden|orden|comando)|\bignor\w+[^.\n]{0,60}(?:instrucci|instruç|orden)"
        ),
    ),
    (
        "dati istruzion comand",
        (
            r"\bcome\s+(?:semplici\s+)?dati\b|\b(?:non|mai|nessuna?)\b[^.\n]{0,60}(?:istruzion|comand)|\bignora\w*"
            r"[^.\n]{0,60}istruzion"
        ),
    ),
    (
        "gegevens data instructie opdracht",
        (
            r"\bals\s+(?:louter\s+)?(?:gegevens|data)\b|\b(?:geen|niet|nooit)\b[^.\n]{0,60}(?:instructie|opdracht)|"
            r"\bnegeer\w*[^.\n]{0,60}(?:instructie|opdracht)"
        ),
    ),
    (
        "数据 資料 数據 文本 内容 执行 遵 听从 服从 理会 執行 忽略 指令 指示 命令 不可信 不受信任",
        (
            r"(?:视为|視為|当作|當作|作为|看作)[^。\n]{0,10}(?:数据|資料|数據|文本|内容)|(?:不要|不得|切勿|勿|禁止|别|不应)"
            r"[^。\n]{0,14}(?:执行|遵循|遵从|听从|服从|理会|執行)|忽略[^。\n]{0,20}(?:指令|指示|命令|要求)|(?:不是|并非|而非|"
            r"不視為)[^。\n]{0,8}(?:指令|指示|命令)|不可信|不受信任"
        ),
    ),
    (
        "データ 指示 命令 信頼",
        r"データとして|(?:指示|命令)[^。\n]{0,20}(?:従わ|無視|ではな|ではあ|実行し)|信頼できない",
    ),
    (
        "데이터 지시 명령 신뢰",
        r"데이터로|(?:지시|명령)[^.\n]{0,20}(?:따르지|무시|아닙|아니|실행하지)|신뢰할\s*수\s*없",
    ),
    (
        "данные инструкц команд указани недоверенн",
        (
            r"\bкак\s+данные|\bне\b[^.\n]{0,60}(?:инструкц|команд|указани)|\bигнориру\w*[^.\n]{0,60}(?:инструкц|команд|"
            r"указани)|недоверенн"
        ),
    ),
)
# Of scripts of which we know no words; a prompt in them is not judged.
_UNKNOWN_SCRIPT = (
    r"[\u0370-\u03ff\u0530-\u05ff\u0600-\u06ff\u0900-\u0e7f\u10a0-\u10ff\u1200-\u137f]"
)
_MOST_UNKNOWN = 20


def tells_data(text: str) -> bool:
    """Whether a prompt's own text says so, or may say so in a language that we cannot read."""
    plain = re.sub(r"[*_`]+", "", text)
    plain = re.sub(
        r"(?<=[^\s.!?:])[ \t]*\n[ \t]*(?=[a-zà-ÿ(\"'])", " ", plain
    )  # a sentence goes on
    lower = plain.lower()
    there = [patterns for stem, patterns in _by_stem().items() if stem in lower]
    if any(_compiled(pattern).search(plain) for pattern in dict.fromkeys(chain(*there))):
        return True
    return not text.isascii() and len(_compiled(_UNKNOWN_SCRIPT).findall(plain)) > _MOST_UNKNOWN


@cache
def _by_stem() -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for stems, pattern in (*_ENGLISH, *_OTHERS):
        for stem in stems.replace("@", _STEMS).split():
            found.setdefault(stem, []).append(pattern)
    return found


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?i){pattern}")
