"""A prompt for statements of several lines, with completion and a history that outlives it."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, ThreadedCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.shortcuts import CompleteStyle

CONTINUED: Final = "… "


class Suggestion(NamedTuple):
    """``text`` takes the place of ``begun`` characters before the cursor; ``about`` is shown beside it."""

    text: str
    begun: int
    about: str = ""


class _Cleared(Exception):
    """Ctrl-C: what was typed is given up."""


class _Completer(Completer):
    def __init__(self, suggest: Callable[[str], Iterable[Suggestion]]) -> None:
        self._suggest = suggest

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:  # noqa: ARG002
        """Of what stands before the cursor."""
        for one in self._suggest(document.text_before_cursor):
            yield Completion(one.text, -one.begun, display_meta=one.about)


class Prompt:
    """``suggest``: what may stand at the end of a text. ``finished``: does Enter end it? ``history``: a file
    for its owner alone; without one, or where it cannot be written, there is none after the process."""

    def __init__(
        self,
        sign: str,
        *,
        suggest: Callable[[str], Iterable[Suggestion]],
        finished: Callable[[str], bool],
        history: Path | None,
    ) -> None:
        self._sign = f"{sign}> "
        self._session: PromptSession[str] = PromptSession(
            history=_history(history),
            completer=ThreadedCompleter(_Completer(suggest)),
            complete_while_typing=True,
            complete_style=CompleteStyle.COLUMN,
            multiline=True,
            prompt_continuation=CONTINUED.rjust(len(self._sign)),
            key_bindings=_enter_ends(finished),
            interrupt_exception=_Cleared,
            enable_history_search=False,
        )

    def asked(self) -> Iterator[str]:
        """Each text that Enter ended, until Ctrl-D. Ctrl-C clears what was typed; a signal raises
        ``KeyboardInterrupt``."""
        while True:
            try:
                # Signals go where they go in every command; the key is none on a terminal in raw mode.
                yield self._session.prompt(self._sign, handle_sigint=False)
            except _Cleared:
                continue
            except EOFError:
                return


def _enter_ends(finished: Callable[[str], bool]) -> KeyBindings:
    bindings = KeyBindings()

    @Condition
    def ended() -> bool:
        from prompt_toolkit.application import get_app

        return finished(get_app().current_buffer.text)

    @bindings.add("enter", filter=ended)
    def _accept(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    return bindings


def _history(path: Path | None) -> History:
    try:
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
            return FileHistory(path)
    except OSError:
        pass  # a prompt without a memory is still one
    return InMemoryHistory()
