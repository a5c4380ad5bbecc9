"""The names in regular expressions that PCRE 8 knows, which has the tables of Unicode 7."""

from __future__ import annotations

from typing import Final

PREFIXES: Final = frozenset(
    "UTF8 UTF UCP NO_AUTO_POSSESS NO_START_OPT LIMIT_MATCH LIMIT_RECURSION CR LF CRLF ANYCRLF ANY "
    "BSR_ANYCRLF BSR_UNICODE".split()
)
"""What `(*…)` may say at the start of a pattern."""

VERBS: Final = {
    "": True, "MARK": True, "PRUNE": True, "SKIP": True, "THEN": True,
    "ACCEPT": False, "COMMIT": False, "F": False, "FAIL": False,
}  # fmt: skip
"""The verbs of backtracking, and which may have a name."""

CATEGORIES: Final = frozenset(
    "C Cc Cf Cn Co Cs L L& Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No "
    "P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs".split()
)

SPECIALS: Final = frozenset("Any Xan Xps Xsp Xuc Xwd".split())

SCRIPTS: Final = frozenset(
    """Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bopomofo Brahmi Braille Buginese Buhid
    Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Common Coptic Cuneiform Cypriot Cyrillic
    Deseret Devanagari Duployan Egyptian_Hieroglyphs Elbasan Ethiopic Georgian Glagolitic Gothic Grantha Greek
    Gujarati Gurmukhi Han Hangul Hanunoo Hebrew Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi
    Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kayah_Li Kharoshthi Khmer Khojki Khudawadi Lao Latin
    Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Malayalam Mandaic Manichaean Meetei_Mayek
    Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Myanmar Nabataean New_Tai_Lue Nko
    Ogham Ol_Chiki Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_South_Arabian Old_Turkic Oriya Osmanya
    Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra
    Sharada Shavian Siddham Sinhala Sora_Sompeng Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham
    Tai_Viet Takri Tamil Telugu Thaana Thai Tibetan Tifinagh Tirhuta Ugaritic Vai Warang_Citi Yi""".split()
)
