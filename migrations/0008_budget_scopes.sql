-- Budgets that were taken away so that the default of their kind counts again (customers).

ALTER TABLE budgets ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
