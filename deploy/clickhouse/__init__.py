"""The ClickHouse schema as numbered migrations ``NNN_name.sql``, applied in order, never changed later."""
