"""The command palette: everything that the keys can do here, by name."""

from textual.command import DiscoveryHit, Hit, Hits, Provider

from .keys import Key, here, keymap_of, shown


class KeyCommands(Provider):
    """One command for each key that applies on the screen below."""

    def commands(self) -> list[tuple[Key, str]]:
        keys = [*here(getattr(self.screen, "where", "app")), *here("app")]
        keymap = keymap_of(self.app)
        return [(key, f"{key.label}  ({shown(key, keymap)})") for key in dict.fromkeys(keys) if key.id != "palette"]

    async def run(self, key: Key) -> None:
        await self.app.run_action(key.action, self.app if key.where == "app" else self.screen)

    async def discover(self) -> Hits:
        for key, name in self.commands():
            yield DiscoveryHit(name, lambda key=key: self.run(key), help=key.help)

    async def search(self, query: str) -> Hits:
        """Those whose name or help contains every word that was typed; names come first."""
        words, matcher = query.lower().split(), self.matcher(query)
        for key, name in self.commands():
            if all(word in f"{name} {key.help}".lower() for word in words):
                score = 2.0 if all(word in name.lower() for word in words) else 1.0
                yield Hit(score, matcher.highlight(name), lambda key=key: self.run(key), help=key.help)
