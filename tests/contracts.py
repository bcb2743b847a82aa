"""Two kinds of import contract that import-linter lacks: what a part may see, and who may know a library.

Both speak of parts that need not exist yet, so that the law can stand in pyproject.toml before the code does.
"""

from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

Breach = tuple[str, str, int]
"""Who imports, what is imported, and on which line."""


class _Direct(Contract):
    """A contract about single import statements, without chains."""

    def breaches(self, graph: ImportGraph) -> list[Breach]:
        raise NotImplementedError

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        breaches = sorted(self.breaches(graph))
        return ContractCheck(kept=not breaches, metadata={"breaches": breaches})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported, line in check.metadata["breaches"]:
            output.print_error(f"- {importer} -> {imported} (l.{line})", bold=False)


class SeesOnly(_Direct):
    """`parts` import nothing of the program but themselves and what they `see`; libraries are free."""

    parts = fields.ListField(subfield=fields.StringField())
    sees = fields.ListField(subfield=fields.StringField())

    def breaches(self, graph: ImportGraph) -> list[Breach]:
        return [
            (importer, imported, line)
            for part in _each(self.parts)
            for importer, imported, line in _imports(graph)
            if _within(importer, [part])
            and _root(imported) == _root(part)
            and imported != _root(part)
            and not _within(imported, [part, *_each(self.sees)])
        ]


class KnownTo(_Direct):
    """`libraries`, or parts of the program, are imported by nothing but `parts`, and by themselves."""

    libraries = fields.ListField(subfield=fields.StringField())
    parts = fields.ListField(subfield=fields.StringField())

    def breaches(self, graph: ImportGraph) -> list[Breach]:
        libraries = _each(self.libraries)
        return [
            (importer, imported, line)
            for importer, imported, line in _imports(graph)
            if _within(imported, libraries) and not _within(importer, [*libraries, *_each(self.parts)])
        ]


def _each(field: Any) -> list[str]:
    return list(field)


def _root(module: str) -> str:
    return module.partition(".")[0]


def _within(module: str, packages: list[str]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def _imports(graph: ImportGraph) -> list[Breach]:
    """Every import statement of the program, once for each name it brings in."""
    return [
        (importer, imported, details["line_number"])
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        for details in graph.get_import_details(importer=importer, imported=imported)
    ]
