"""Where somebody says yes or no. No is what happens by itself."""

from __future__ import annotations

from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Button, Input, Static

WORD = "yes"
"""What is to be typed where a slip of the finger must not be enough."""


class Answer(Horizontal):
    """Empty until something is asked."""

    DEFAULT_CSS = """
    Answer { height: 1; }
    Answer > Static { width: auto; margin: 0 1 0 0; text-style: bold; }
    Answer > Button { min-width: 7; margin: 0 1 0 0; }
    Answer > Button:nocolor:focus { text-style: reverse bold; }
    Answer > Input { width: 1fr; }
    """

    class Given(Message):
        """The answer."""

        def __init__(self, *, yes: bool) -> None:
            super().__init__()
            self.yes = yes

    async def ask(self, *, strictly: bool) -> None:
        """Asks whether to do it; ``strictly``, only the whole word is a yes."""
        if strictly:
            field = Input(placeholder="Enter alone is no", compact=True)
            await self.mount(Static(f"Type {WORD} and Enter to do it:", markup=False), field)
            field.focus()
            return
        no = Button("No", id="no", compact=True)
        await self.mount(Static("Do it?", markup=False), no, Button("Yes", id="yes", compact=True))
        no.focus()

    def side(self, which: str) -> None:
        """Puts the focus on ``yes`` or ``no``."""
        for button in self.query(Button):
            if button.id == which:
                button.focus()

    def on_button_pressed(self, message: Button.Pressed) -> None:
        """One of the two."""
        message.stop()
        self.post_message(self.Given(yes=message.button.id == "yes"))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """The word, or anything else, which is no."""
        message.stop()
        self.post_message(self.Given(yes=message.value.strip().lower() == WORD))
