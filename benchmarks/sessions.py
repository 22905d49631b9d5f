"""People without a browser: sessions that send what the browser sends, and draw nothing.

Twenty people have twenty computers. Twenty windows on the server's own cores measure how fast those cores
draw twenty pages. So these speak the server's own protocol: they press Next, receive the page, and load its
pictures, the canvas's among them.
"""

import asyncio
import json
import random
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

LARGEST = 64 * 2**20  # bytes of one message
DONE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


@dataclass
class Person:
    """One session on Annotate."""

    url: str
    wire: ClientConnection
    script: str = ""  # hash of the page's script
    query: str = ""
    fragment: str = ""  # the drawing board
    next_button: str = ""
    image: int = 0  # on the canvas
    pictures: list[str] = field(default_factory=list)  # of the page as it is now
    messages: int = 0  # of the last run
    taken_ms: list[float] = field(default_factory=list)

    async def open(self) -> None:
        await self._run(ClientState(page_name="annotate"))
        if not self.next_button:
            raise RuntimeError("expected Annotate with its queue, got another page")

    async def press_next(self) -> None:
        """Until the next image is there with its pictures."""
        begun, before = time.perf_counter(), self.image
        state = self._state(self.fragment)
        state.widget_states.widgets.add(id=self.next_button, trigger_value=True)
        await self._run(state)
        self.taken_ms.append(1000 * (time.perf_counter() - begun))
        if self.image == before:
            raise RuntimeError("expected another image after Next")

    def _state(self, fragment: str) -> ClientState:
        return ClientState(
            page_name="annotate", page_script_hash=self.script, query_string=self.query, fragment_id=fragment
        )

    async def _run(self, state: ClientState) -> None:
        self.pictures.clear()
        self.messages = 0
        await self.wire.send(BackMsg(rerun_script=state).SerializeToString())
        while True:
            received = await self.wire.recv()
            message = ForwardMsg.FromString(received if isinstance(received, bytes) else received.encode())
            self.messages += 1
            self._note(message)
            if message.WhichOneof("type") == "script_finished" and message.script_finished in DONE:
                break
        await asyncio.gather(*(asyncio.to_thread(_load, self.url + path) for path in self.pictures))

    def _note(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "navigation":
            self.script = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta":
            element = message.delta.new_element
            if element.button.id.endswith("-annotate_next"):
                self.next_button, self.fragment = element.button.id, message.delta.fragment_id
            elif element.bidi_component.id.endswith("-annotate_canvas"):
                given = element.bidi_component
                data = json.loads(given.json or given.mixed.json)
                self.image = data["image"]
                self.pictures.append(data["picture"])
            self.pictures += [image.url for image in element.imgs.imgs]


class People:
    """Several sessions that work until they are told to stop."""

    def __init__(self, people: Sequence[Person], moment: float, pause: tuple[float, float]) -> None:
        self._stop = asyncio.Event()
        self._works = [
            asyncio.create_task(self._work(person, moment, pause, seed)) for seed, person in enumerate(people)
        ]
        self._people = people

    async def _work(self, person: Person, moment: float, pause: tuple[float, float], seed: int) -> None:
        chance = random.Random(seed)
        while not self._stop.is_set():
            await asyncio.sleep(moment + chance.uniform(*pause))
            await person.press_next()

    async def rest(self) -> tuple[list[float], int]:
        """Stop all of them: what each press took, in milliseconds; and how many failed."""
        self._stop.set()
        ended = await asyncio.gather(*self._works, return_exceptions=True)
        for person in self._people:
            await person.wire.close()
        taken = [ms for person in self._people for ms in person.taken_ms]
        return taken, sum(isinstance(end, BaseException) for end in ended)


async def join(url: str, count: int) -> list[Person]:
    """So many people, each with Annotate open."""
    people = []
    for _ in range(count):
        wire = await connect(
            url.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            origin=Origin(url),
            max_size=LARGEST,
        )
        people.append(Person(url, wire))
        await people[-1].open()
    return people


def _load(url: str) -> None:
    with urllib.request.urlopen(url, timeout=60) as answer:
        answer.read()
