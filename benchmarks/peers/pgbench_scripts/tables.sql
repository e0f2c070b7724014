DROP TABLE IF EXISTS job, record;
CREATE TABLE job (id serial PRIMARY KEY, state smallint NOT NULL DEFAULT 0, priority int NOT NULL DEFAULT 10, payload text);
CREATE INDEX ON job (priority, id) WHERE state = 0;
CREATE TABLE record (id serial PRIMARY KEY, number int);
