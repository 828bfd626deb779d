-- First nothing, so that what an earlier release gave does not stay; whoever reads meanwhile sees the rights before or after.
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM "{role}";
REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM "{role}";
REVOKE CREATE ON SCHEMA {schema} FROM "{role}", PUBLIC;
GRANT USAGE ON SCHEMA {schema} TO "{role}";

-- Read tables are emptied by a rebuild, persons and contents are erased, claims go. Never TRUNCATE, REFERENCES, TRIGGER.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO "{role}";
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO "{role}";

-- Facts are added, and read.
REVOKE UPDATE, DELETE ON {schema}.events FROM "{role}";
-- The counter goes on; there is one, for ever.
REVOKE INSERT, DELETE ON {schema}.head FROM "{role}";
-- What was migrated is the owner's.
REVOKE INSERT, UPDATE, DELETE ON {schema}.contracts, {schema}.seaql_migrations FROM "{role}";
