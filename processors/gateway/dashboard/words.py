"""Numbers, times and texts, as pages write them."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from markupsafe import Markup

from processors.gateway.dashboard import dates
from processors.gateway.dashboard.countries import name_of

UNKNOWN: Final = "—"
MOST_CHARACTERS: Final = 200
"""Of a text from events; all of it is in the title."""
_WHOLE: Final = 1_000_000
_MINUTE_S: Final = 60
_HOUR_S: Final = 60 * _MINUTE_S
_DAY_S: Final = 24 * _HOUR_S
_ZERO_DECIMALS: Final = frozenset(
    "bif clp djf gnf isk jpy kmf krw pyg rwf ugx uyi vnd vuv xaf xof xpf".split()  # noqa: SIM905
)
_THREE_DECIMALS: Final = frozenset(["bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"])
_SIGNS: Final = {"usd": "$", "eur": "€", "gbp": "£"}


def number(value: int) -> str | Markup:
    """``46,981``; from a million on ``1.23M``, with the exact one in the title."""
    if abs(value) < _WHOLE:
        return f"{value:,}"
    size, unit = (1e9, "B") if abs(value) >= 999_500_000 else (1e6, "M")
    return Markup('<span title="{}">{}{}</span>').format(f"{value:,}", f"{value / size:.2f}", unit)


def part(value: Decimal) -> str | Markup:
    """``12.4`` of a whole that was divided, with all digits in the title; ``12`` of what was not."""
    if value == value.to_integral_value():
        return number(int(value))
    return Markup('<span title="{}">{}</span>').format(f"{value.normalize():,f}", f"{value:,.1f}")


def short(value: int) -> str:
    """``42.0k``: where there is little room."""
    if value < 10_000:
        return f"{value:,}"
    return f"{value / 1e3:.1f}k" if value < 999_950 else f"{value / 1e6:.2f}M"


def percent(share: float | None, decimals: int = 1) -> str:
    """Of a share; ``<0.1%`` of one that is nearly nothing."""
    if share is None:
        return UNKNOWN
    least = 0.5 * 10**-decimals / 100
    if 0 < share < least:
        return f"<{10**-decimals:.{decimals}f}%"
    return f"{share * 100:,.{decimals}f}%"


def decimals_of(currency: str) -> int:
    """How many of a currency's digits are minor units."""
    code = currency.lower()
    return 0 if code in _ZERO_DECIMALS else 3 if code in _THREE_DECIMALS else 2


def money(minor: int, currency: str) -> str:
    """An amount of minor units; without decimals from 1,000 on."""
    code, decimals = currency.lower(), decimals_of(currency)
    major = minor / 10**decimals
    if abs(major) >= 1_000:
        decimals = 0
    written = f"{abs(major):,.{decimals}f}"
    sign = "−" if minor < 0 else ""
    return f"{sign}{_SIGNS[code]}{written}" if code in _SIGNS else f"{sign}{written} {code.upper()}"


def duration(seconds: float | None) -> str:
    """``14 min``, ``2.4 h``, ``4.1 days``, ``64 days``."""
    if seconds is None:
        return UNKNOWN
    if seconds < _MINUTE_S:
        return f"{max(0, round(seconds))} s"
    if seconds < _HOUR_S - _MINUTE_S / 2:
        return f"{round(seconds / _MINUTE_S)} min"
    if seconds < _DAY_S:
        return _tenths(seconds / _HOUR_S, "h", "h")
    return _tenths(seconds / _DAY_S, "day", "days")


def between(from_s: float, to_s: float) -> str:
    """``Under 1 min``, ``1 – 2 min``, ``17 h – 1.4 days``."""
    if not from_s:
        return f"Under {duration(to_s)}"
    first, last = duration(from_s), duration(to_s)
    value, _, unit = first.partition(" ")
    same = last.partition(" ")[2].removeprefix(unit) in ("", "s")
    return f"{value if same else first} – {last}"


def _tenths(value: float, one: str, many: str) -> str:
    written = f"{value:.1f}".removesuffix(".0") if value < 9.95 else f"{round(value):,}"
    return f"{written} {one if written == '1' else many}"


def moment(at: datetime, now: datetime) -> Markup:
    """``14:32:07`` of today, else ``18 Nov 14:32``; both in one zone. The exact one is in the title."""
    if at.date() == now.date():
        written = f"{at:%H:%M:%S}"
    elif at.year == now.year:
        written = f"{dates.day(at)} {at:%H:%M}"
    else:
        written = f"{dates.day_of_year(at)} {at:%H:%M}"
    return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(
        at.isoformat(timespec="milliseconds"), written
    )


def moment_of(at_ms: int, now: datetime) -> Markup:
    """Likewise."""
    return moment(datetime.fromtimestamp(at_ms / 1000, now.tzinfo), now)


def told(text: str, most: int = MOST_CHARACTERS) -> Markup:
    """A text from events: isolated from what is around it, and cut."""
    if len(text) <= most:
        return Markup("<bdi>{}</bdi>").format(text)
    return Markup('<bdi title="{}">{}…</bdi>').format(text, text[:most])


def initials(name: str) -> str:
    """Of a person; at most two letters."""
    words = [one for one in name.split() if one[0].isalnum()]
    return "".join(one[0] for one in (words[:1] + words[1:][-1:]))


def counted(count: int, one: str, many: str | None = None) -> str:
    """``1 lead``, ``3,067 leads``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


class Change(NamedTuple):
    """From the period before to this one. ``way``: up, down, even, or new where there was nothing."""

    way: str
    written: str

    @property
    def html(self) -> Markup:
        """With an arrow for those who see, and a word for those who listen."""
        arrow = {"up": "↑", "down": "↓"}.get(self.way)
        if arrow is None:
            return Markup('<span class="delta even">{}</span>').format(self.written)
        return Markup(
            '<span class="delta {0}"><span aria-hidden="true">{1}</span>'
            '<span class="sr">{0}</span> {2}</span>'
        ).format(self.way, arrow, self.written)


def change(now: int, before: int) -> Change | None:
    """None: there was nothing, and is nothing."""
    if not before:
        return Change("new", "new") if now else None
    ratio = now / before - 1
    if not ratio:
        return Change("even", "the same")
    return Change("up" if ratio > 0 else "down", percent(abs(ratio)))


FILTERS: Final[Mapping[str, Callable[..., object]]] = {
    "country": name_of,
    "day": lambda written: dates.day_of_year(date.fromisoformat(written)),
    "number": number,
    "part": part,
    "short": short,
    "percent": percent,
    "duration": duration,
    "between": between,
    "told": told,
    "initials": initials,
    "counted": counted,
}
