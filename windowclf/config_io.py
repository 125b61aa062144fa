"""Configurations from and to TOML, nested mappings and `section.key=value`; errors name the value."""

import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

import msgspec
import tomli_w
from msgspec import Meta

from windowclf.config import Config
from windowclf.errors import ConfigError, did_you_mean

_SECTIONS: dict[str, type] = get_type_hints(Config)
_AUTO_HINT = "For a choice by a trial, give --tuning auto to `windowclf train`."


def config_from_dict(values: Mapping[str, Any], *, where: str = "configuration") -> Config:
    """Build a configuration from nested mappings; missing values keep their defaults.

    ConfigError for an unknown section or key (the nearest one is named), a wrong type or a value out of
    bounds.
    """
    _refuse_unknown(values, _SECTIONS, where, "section")
    for section, keys in values.items():
        if not isinstance(keys, Mapping):
            raise ConfigError(
                "a section must be a mapping",
                where=f"{where}: {section}",
                found=keys,
                allowed=f"[{section}] key = value",
            )
        _refuse_unknown(keys, get_type_hints(_SECTIONS[section]), f"{where}: [{section}]", "key")
        for key, value in keys.items():
            if isinstance(value, float) and not math.isfinite(value):
                name = f"{section}.{key}"
                raise ConfigError(
                    "the number is not finite", where=f"{where}: {name}", found=value, allowed=_allowed(name)
                )
    try:
        return msgspec.convert(values, Config)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        key = place.rstrip("`")
        found = _value_at(values, key)
        raise ConfigError(
            problem.replace("`", ""),
            where=f"{where}: {key}" if key else where,
            found=found,
            allowed=_allowed(key) or None,
            hint=_AUTO_HINT if (key, found) == ("model.tuning", "auto") else None,
        ) from None


def config_to_dict(config: Config) -> dict[str, dict[str, Any]]:
    """Return the configuration as plain nested values, as TOML and JSON take them."""
    return cast(dict[str, dict[str, Any]], msgspec.to_builtins(config))


_SECTION_OF = {key: section for section, keys in _SECTIONS.items() for key in get_type_hints(keys)}
assert len(_SECTION_OF) == sum(len(get_type_hints(keys)) for keys in _SECTIONS.values())  # no key is twice


def find_key(key: str) -> str:
    """Return the section of a key; ConfigError, with the nearest one, if there is no such key."""
    _refuse_unknown([key], _SECTION_OF, "configuration", "key")
    return _SECTION_OF[key]


def values_by_key(config: Config) -> dict[str, Any]:
    """Return all values of a configuration by their keys, whatever the section."""
    return {key: getattr(getattr(config, section), key) for key, section in _SECTION_OF.items()}


def read_config(path: Path) -> Config:
    """Read a TOML file; ConfigError if it cannot be read, is not TOML, or is not a configuration."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError("the file cannot be read", where=str(path), found=error.strerror) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("not a TOML file", where=str(path), found=str(error)) from error
    return config_from_dict(values, where=str(path))


def config_to_toml(config: Config) -> str:
    """Return the configuration as a TOML document."""
    return tomli_w.dumps(config_to_dict(config))


def override(
    config: Config,
    assignments: Iterable[str],
    *,
    further: Mapping[str, Any] | None = None,
    where: str = "--set",
) -> Config:
    """Return the configuration with `section.key=value` assignments applied, in order.

    A value is read as TOML (`300`, `0.5`, `true`, `[300, 100]`), or else as a string. `further` are values by
    `section.key`, applied afterwards. The result is checked once, as a whole, so that values which depend on
    each other can be given in any order.
    """
    values = config_to_dict(config)
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        section, dot, key = path.strip().partition(".")
        if not (equals and dot):
            raise ConfigError(
                "not an assignment",
                where=where,
                found=assignment,
                allowed="section.key=value, such as model.hidden=[300]",
            )
        _refuse_unknown([section], _SECTIONS, where, "section")
        _refuse_unknown([key], get_type_hints(_SECTIONS[section]), f"{where} [{section}]", "key")
        values[section][key] = _toml_value(text.strip() or text)  # a tab alone is a value of data.separator
    for name, value in (further or {}).items():
        section, _, key = name.partition(".")
        values[section][key] = value
    return config_from_dict(values, where=where)


def describe_fields() -> Iterator[tuple[str, str, str, str]]:
    """Yield (section.key, default as TOML, allowed values, meaning) for every value of the configuration."""
    defaults = config_to_dict(Config())
    for section, section_type in _SECTIONS.items():
        for key, hint in get_type_hints(section_type, include_extras=True).items():
            default = tomli_w.dumps({"x": defaults[section][key]}).partition(" = ")[2]
            meta = next(part for part in hint.__metadata__ if isinstance(part, Meta))
            name = f"{section}.{key}"
            yield name, " ".join(default.split()), _allowed(name), meta.description or ""


def _toml_value(text: str) -> Any:
    try:
        document = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return document["value"] if len(document) == 1 else text  # further lines are no assignments


def _refuse_unknown(names: Iterable[str], known: Mapping[str, Any], where: str, what: str) -> None:
    for name in names:
        if name not in known:
            raise ConfigError(
                f"unknown {what} {name!r}",
                where=where,
                allowed=", ".join(known),
                hint=did_you_mean(name, known, cutoff=0.5),
            )


def _value_at(values: Any, key: str) -> object:
    for part in key.split("[")[0].split("."):
        if not isinstance(values, Mapping) or part not in values:
            return None
        values = values[part]
    return None if isinstance(values, Mapping) else values


def _allowed(key: str) -> str:
    name = key.split("[")[0].partition(".")[2]
    if name not in _SECTION_OF or not key.startswith(f"{_SECTION_OF[name]}."):
        return ""
    kind, meta = get_args(get_type_hints(_SECTIONS[_SECTION_OF[name]], include_extras=True)[name])
    if get_origin(kind) is Literal:
        return ", ".join(get_args(kind))
    bases = {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "a string",
        tuple[str, ...]: "a list of strings",
    }
    bounds = {"at least": meta.ge, "more than": meta.gt, "at most": meta.le, "less than": meta.lt}
    given = (f"{text} {value:g}" for text, value in bounds.items() if value is not None)
    return ", ".join([bases.get(kind, "a list of whole numbers"), *given])
