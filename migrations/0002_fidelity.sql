-- What became of a request on its way to its target: JSON of `way`, `mapped` and `approximated`; `dropped` has its own column. NULL: nothing was sent, or the row is older.

ALTER TABLE requests ADD COLUMN fidelity TEXT;
