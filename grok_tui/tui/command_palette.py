"""The palette: everything the keys can do here, by name."""

from __future__ import annotations

from collections.abc import Iterator

from textual.command import DiscoveryHit, Hit, Hits, Provider

from .keys import KEYS, Key, shown


class KeyCommands(Provider):
    """One command for each key that applies on the screen below."""

    def here(self) -> Iterator[tuple[Key, str]]:
        """The keys of this screen and of the app, each with what the palette calls it."""
        where = getattr(self.screen, "where", "app")
        for key in KEYS:
            if key.where in (where, "app") and key.id != "palette":
                yield key, f"{key.label}  ({shown(key, self.app._keymap)})"

    async def run(self, key: Key) -> None:
        """Do what the key does."""
        await self.app.run_action(key.action, self.app if key.where == "app" else self.screen)

    async def discover(self) -> Hits:
        """All of them."""
        for key, name in self.here():
            yield DiscoveryHit(name, lambda key=key: self.run(key), help=key.help)

    async def search(self, query: str) -> Hits:
        """Those that match."""
        matcher = self.matcher(query)
        for key, name in self.here():
            score = max(matcher.match(name), matcher.match(key.help))
            if score > 0:
                yield Hit(score, matcher.highlight(name), lambda key=key: self.run(key), help=key.help)
