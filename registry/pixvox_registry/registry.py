"""A registry finds plugins by name. A plugin is a file, and its name is the file's name."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import (
    Distribution,
    EntryPoint,
    EntryPoints,
    distributions,
    packages_distributions,
    version,
)
from typing import Any, Generic, TypeVar

from pixvox_registry.console import say
from pixvox_registry.errors import UserError, suggestion, unknown
from pixvox_registry.source_code import digest_of_plugin

Plugin = TypeVar("Plugin", covariant=True)  # what build() returns
Factory = TypeVar("Factory", bound=Callable[..., Any])  # what register() hands back, unchanged

# A class without a constructor shows nn.Module's *args and **kwargs, which are no settings.
CATCH_ALL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

WORDS = (bool, int, float, str, type(None))  # what a recipe or a command line can spell in one word
SPELT: Mapping[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "str": (str,),
}


class BrokenPlugin(UserError):
    """A plugin that exists and cannot be imported."""


@dataclass(frozen=True)
class Origin:
    """Where a plugin comes from; every result records it.

    Args:
        code: digest of what its file does, and what that leans on (``digest_of_plugin``), since a
            version typed by hand may lag behind.
    """

    distribution: str
    version: str
    module: str
    code: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version} {self.code}".rstrip()


class Registry(Collection[str], Generic[Plugin]):
    """The plugins of one kind.

    Inside this project a plugin is a file of the ``home`` package that marks one class or function
    with ``@REGISTRY.register``. Outside, it is an entry point of the group ``home``. Nothing is
    imported before it is asked for, so listing names is free.

    Args:
        alone: the digest of a plugin is of its file alone, since it leans on the whole room.
    """

    def __init__(self, kind: str, home: str, *, alone: bool = False) -> None:
        self.kind = kind
        self.home = home
        self.alone = alone
        self._marked: dict[str, Callable[..., Any]] = {}  # module -> its plugin
        self._lent: dict[str, Callable[..., Any]] = {}

    def register(self, factory: Factory) -> Factory:
        """Mark ``factory`` as the plugin of its file."""
        there = self._marked.setdefault(factory.__module__, factory)
        if there is not factory and there.__qualname__ != factory.__qualname__:
            raise ValueError(
                f"{factory.__module__} marks two plugins, {there.__qualname__} and "
                f"{factory.__qualname__}; a plugin is a file."
            )
        self._marked[factory.__module__] = factory
        return factory

    @contextmanager
    def lend(self, name: str, factory: Callable[..., Any]) -> Iterator[None]:
        """A plugin for the length of a ``with`` block: for notebooks and tests."""
        self._lent[name] = factory
        try:
            yield
        finally:
            del self._lent[name]

    def build(self, name: str, /, *arguments: Any, **settings: Any) -> Plugin:
        """A new plugin, for example ``LOSSES.build("barlow_twins", off_diagonal=5e-3)``.

        Raises:
            UserError: a setting that it does not have, or a value that it refuses.
        """
        self.check_settings(name, settings)
        try:
            plugin: Plugin = self.get(name)(*arguments, **settings)
        except ValueError as error:
            raise UserError(f"{self.kind} {name!r} refuses its settings: {error}.") from error
        return plugin

    def get(self, name: str) -> Callable[..., Any]:
        """The class or function behind ``name``.

        Raises:
            UnknownName: nothing bears the name.
            BrokenPlugin: its file cannot be imported, marks nothing, or two distributions bring it.
        """
        if name in self._lent:
            return self._lent[name]
        guests = self._guests(name)
        owners = [_distribution(guest) for guest in guests]
        if name in self._files():
            owners.append("pixvox")
        if not owners:
            raise unknown(self.kind, name, self)
        if len(owners) > 1:
            raise BrokenPlugin(
                f"{self.kind} {name!r} is brought by {' and by '.join(sorted(owners))}. "
                "Uninstall one of them."
            )
        return self._load(name, guests[0] if guests else None)

    def names_of_settings(self, name: str) -> Mapping[str, inspect.Parameter]:
        """The parameters of a plugin's constructor or function, in order."""
        parameters = inspect.signature(self.get(name)).parameters
        return {name: p for name, p in parameters.items() if p.kind not in CATCH_ALL}

    def check_settings(self, name: str, settings: Mapping[str, Any]) -> None:
        """Refuse a setting that the plugin does not have, with a suggestion, or of another type."""
        known = self.names_of_settings(name)
        for key, value in settings.items():
            if key not in known:
                raise UserError(
                    f"{self.kind} {name!r} has no setting {key!r}.{suggestion(key, known)} "
                    f"It has: {', '.join(known) or 'none'}."
                )
            wanted = getattr(known[key].annotation, "__name__", known[key].annotation)
            if type(value) in WORDS and type(value) not in SPELT.get(wanted, WORDS):
                raise UserError(f"{self.kind} {name!r} wants {key} as {wanted}; {value!r} came.")

    def origin(self, name: str) -> Origin:
        """Distribution, version, module and code of a plugin."""
        module = self.get(name).__module__
        if name in self._lent:
            return Origin("session", "0", module, "")
        code = digest_of_plugin(module, alone=self.alone)
        guests = self._guests(name)
        if guests and guests[0].dist is not None:
            return Origin(_distribution(guests[0]), guests[0].dist.version, module, code)
        return Origin("pixvox", version("pixvox"), module, code)

    def guests(self) -> dict[str, str]:
        """Names that other distributions bring, with their distribution."""
        return {point.name: _distribution(point) for point in _installed().select(group=self.home)}

    def sound(self, names: Iterable[str] | None = None) -> Iterator[tuple[str, Callable[..., Any]]]:
        """Those of ``names`` (of all) that import, with their plugin; a line for each other one."""
        for name in self if names is None else names:
            try:
                plugin = self.get(name)
            except BrokenPlugin as error:
                say(f"pixvox: left out: {' '.join(str(error).split())}")
                continue
            yield name, plugin

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._files(), *self.guests(), *self._lent}))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        return name in set(self)

    def _files(self) -> set[str]:
        """Names of the plugin files at home; nothing is imported but the home package."""
        home = importlib.import_module(self.home)
        return {m.name for m in pkgutil.iter_modules(home.__path__) if not m.name.startswith("_")}

    def _guests(self, name: str) -> list[EntryPoint]:
        """Entry points of that name, one per distribution; the rooms of this house included.

        Of a distribution that is installed twice, the first on the path: Python imports that one.
        """
        points = list(_installed().select(group=self.home, name=name))
        return list({_distribution(point): point for point in reversed(points)}.values())

    def _load(self, name: str, guest: EntryPoint | None) -> Callable[..., Any]:
        module_name = guest.module if guest else f"{self.home}.{name}"
        try:
            module = importlib.import_module(module_name)
            if guest and guest.attr:
                factory: Callable[..., Any] = guest.load()
                return factory
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a guest may call sys.exit at import
            raise BrokenPlugin(
                f"{self.kind} {name!r} ({module_name}) cannot be imported: "
                f"{type(error).__name__}: {error}"
            ) from error
        if module.__name__ not in self._marked:
            raise BrokenPlugin(f"{module_name} marks no {self.kind} with @register.")
        return self._marked[module.__name__]


@cache
def _installed() -> EntryPoints:
    """All entry points of this environment; reading them walks every installed distribution."""
    return EntryPoints(point for found in distributions() for point in found.entry_points)


def _distribution(point: EntryPoint) -> str:
    if point.dist is not None:
        return _name_of(point.dist)
    return packages_distributions().get(point.module.partition(".")[0], ["unknown"])[0]


@cache
def _name_of(distribution: Distribution) -> str:
    """Reading it parses the whole metadata of the distribution."""
    return distribution.name
