"""The books: relations from facts to the tables of the contract. Pure: tables in, tables out, on Ibis."""
