"""Hand-written SQL as reversible migration operations: numbered files beside the migration that applies them.

`operation(__file__)` in `migrations/0002_guards.py` applies `migrations/sql/0002_guards.sql` and takes it back with
`migrations/sql/0002_guards.reverse.sql`. A file is never edited after release. `{app}` in it stands for the role that
the site runs as, `{relay}` for the relay's, both quoted; all other braces are left alone.
"""

from pathlib import Path

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import RunSQL
from django.db.migrations.state import ProjectState

from backoffice.databases import app_role, relay_role


class GuardSQL(RunSQL):
    """RunSQL that knows the names of the app role and the relay's on the database it runs on."""

    def _run(self, schema_editor: BaseDatabaseSchemaEditor, text: str) -> None:
        quote, alias = schema_editor.connection.ops.quote_name, schema_editor.connection.alias
        text = text.replace("{app}", quote(app_role(alias))).replace("{relay}", quote(relay_role(alias)))
        schema_editor.execute(text, params=None)

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Apply the file where the router lets this app live."""
        if self._allowed(schema_editor, app_label):
            self._run(schema_editor, str(self.sql))

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Take the file back."""
        if self._allowed(schema_editor, app_label):
            self._run(schema_editor, str(self.reverse_sql))

    def _allowed(self, schema_editor: BaseDatabaseSchemaEditor, app_label: str) -> bool:
        from django.db import router  # noqa: PLC0415  migrations are loaded before routers are

        return router.allow_migrate(schema_editor.connection.alias, app_label, **self.hints)


def operation(migration_file: str, *, model_name: str = "") -> GuardSQL:
    """Return the operation for the SQL pair that bears the migration's name.

    It runs where the router lets the app live, or where it lets the model named live.
    """
    migration = Path(migration_file)
    forward = migration.parent / "sql" / f"{migration.stem}.sql"
    hints = {"model_name": model_name} if model_name else {}
    return GuardSQL(forward.read_text(), forward.with_suffix(".reverse.sql").read_text(), hints=hints)
