-- One row: what the file knows of itself.
CREATE TABLE journal (
	one    INTEGER PRIMARY KEY CHECK (one = 1),
	id     TEXT NOT NULL, -- random: tells the file from every other
	owner  TEXT NOT NULL, -- who may write; empty for everybody
	stamp  BLOB NOT NULL, -- the largest first number of an epoch seen; 8 bytes, big endian
	filler BLOB NOT NULL  -- written to find out whether writing works
) STRICT;

INSERT INTO journal (one, id, owner, stamp, filler)
SELECT 1, lower(hex(randomblob(16))), '', coalesce(substr(max(fence), 1, 8), x'0000000000000000'), x'' FROM head;
