UPDATE imports_import SET state = 'expired' WHERE state = 'discarded';
