-- What analysts read: each lead, sale, customer, click once.

CREATE VIEW leads AS SELECT * EXCEPT (version) FROM leads_raw FINAL;

CREATE VIEW sales AS SELECT * EXCEPT (version) FROM sales_raw FINAL;

CREATE VIEW customers AS SELECT * EXCEPT (version, is_deleted) FROM customers_raw FINAL;

CREATE VIEW clicks AS SELECT * EXCEPT (version) FROM clicks_raw FINAL;

CREATE VIEW unmatched AS SELECT * EXCEPT (version) FROM unmatched_raw FINAL;

CREATE VIEW dead_letters AS SELECT * EXCEPT (version) FROM dead_letters_raw FINAL;
