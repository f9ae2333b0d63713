-- What was discarded says so; until now it was told from what nobody confirmed by its problem alone.
UPDATE imports_import SET state = 'discarded' WHERE state = 'expired' AND problem = 'It was discarded by who uploaded it.';
