-- One row: what the file knows of itself.
CREATE TABLE journal (
	one    INTEGER PRIMARY KEY CHECK (one = 1),
	id     TEXT NOT NULL, -- random: tells the file from every other
	owner  TEXT NOT NULL, -- who may write; empty for everybody
	filler BLOB NOT NULL  -- written to find out whether writing works
) STRICT;

INSERT INTO journal VALUES (1, lower(hex(randomblob(16))), '', x'');
