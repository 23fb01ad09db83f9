"""How clean, mine, train and recommend grow from 1 million to 100 million order lines on one machine."""
