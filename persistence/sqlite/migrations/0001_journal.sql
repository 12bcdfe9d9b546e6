-- One row for each persistence id: what the journal knows besides the events.
CREATE TABLE head (
	key        INTEGER PRIMARY KEY,
	id         TEXT    NOT NULL UNIQUE,
	highest    INTEGER NOT NULL, -- last sequence number ever appended
	deleted_to INTEGER NOT NULL, -- events up to this one were deleted
	fence      BLOB    NOT NULL  -- newest epoch: cluster, node, count; 8 bytes each, big endian
) STRICT;

-- position numbers all events in the order of their commits; AUTOINCREMENT
-- keeps the numbers of deleted events from being used again.
CREATE TABLE event (
	position INTEGER PRIMARY KEY AUTOINCREMENT,
	head     INTEGER NOT NULL REFERENCES head (key),
	seq      INTEGER NOT NULL,
	epoch    BLOB    NOT NULL,
	name     TEXT    NOT NULL,
	payload  BLOB    NOT NULL,
	at       INTEGER,          -- Unix nanoseconds; NULL when not known
	tags     TEXT,             -- JSON array of strings; NULL for none
	crc      INTEGER NOT NULL, -- CRC-32C over all of the above but the position
	UNIQUE (head, seq)
) STRICT;

CREATE TABLE snapshot (
	head    INTEGER NOT NULL REFERENCES head (key),
	seq     INTEGER NOT NULL,
	epoch   BLOB    NOT NULL,
	name    TEXT    NOT NULL,
	payload BLOB    NOT NULL,
	at      INTEGER,
	crc     INTEGER NOT NULL,
	PRIMARY KEY (head, seq)
) STRICT;
