"""Countries by their ISO 3166-1 alpha-2 codes."""

from typing import Final

_OF_CONTINENTS: Final = {
    "AF": "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU"
    " MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW",
    "AN": "AQ BV GS HM TF",
    "AS": "AE AF AM AZ BD BH BN BT CC CN CX GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO"
    " MV MY NP OM PH PK PS QA SA SG SY TH TJ TL TM TR TW UZ VN YE",
    "EU": "AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV"
    " MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK",
    "NA": "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR"
    " SV SX TC TT US VC VG VI",
    "OC": "AS AU CK FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS",
    "SA": "AR BO BR CL CO EC FK GF GY PE PY SR UY VE",
}
CONTINENTS: Final = {
    country: continent for continent, countries in _OF_CONTINENTS.items() for country in countries.split()
}
"""Of each country, as GeoNames has it."""

_UNION: Final = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
_ECONOMIC_AREA: Final = "IS LI NO"
_BESIDE: Final = "CH GB"
_PARTS: Final = "AX GF GP MF MQ RE YT SJ GG GI IM JE"
"""Of those: with codes of their own, and their law, or one that was made after it."""
_PROTECTED: Final = frozenset(f"{_UNION} {_ECONOMIC_AREA} {_BESIDE} {_PARTS}".split())


def may_keep_addresses(country: str | None) -> bool:
    """May the IP address of a visitor from there be stored? Only of countries that are known, and where
    neither the GDPR holds nor what Britain and Switzerland made like it."""
    return country in CONTINENTS and country not in _PROTECTED
