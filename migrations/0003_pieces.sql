-- What is billed by the piece rather than by the token, and tokens of pictures that were sent.

ALTER TABLE requests ADD COLUMN units TEXT;          -- JSON {"images", "audioMs", "characters", "searches"}; NULL = nothing is counted by the piece
ALTER TABLE requests ADD COLUMN input_image INTEGER; -- NULL = the provider does not tell them apart
