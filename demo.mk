# The chain as file targets: on the simulated shop (make demo), on a Chinese one (make demo-zh), and on real data (make demo-uci).
# $(call chain,FOLDER,FILES TO CLEAN,OPTIONS OF CLEAN,USERS TO SHOW)
define chain
$(1)/interactions.parquet $(1)/products.parquet $(1)/rejects.parquet $(1)/holdout.parquet &: $(2) | $(VENV)/installed
	@mkdir -p $(1)
	$$(PRODASSOC) clean $(3) -o $(1)/interactions.parquet --products-output $(1)/products.parquet \
		--rejects-output $(1)/rejects.parquet --holdout last-order --holdout-output $(1)/holdout.parquet

$(1)/embeddings.parquet: $(1)/products.parquet
	$$(PRODASSOC) embed $$< -o $$@

$(1)/rules.parquet: $(1)/interactions.parquet
	$$(PRODASSOC) mine $$< -o $$@

$(1)/hybrid.model.parquet $(1)/popularity.model.parquet: $(1)/%.model.parquet: \
		$(1)/interactions.parquet $(1)/products.parquet $(1)/embeddings.parquet $(1)/rules.parquet
	$$(PRODASSOC) train $$< --model $$* -o $$@ --products $(1)/products.parquet \
		--embeddings $(1)/embeddings.parquet --rules $(1)/rules.parquet

$(1)/hybrid.recs.parquet $(1)/popularity.recs.parquet: $(1)/%.recs.parquet: $(1)/%.model.parquet
	$$(PRODASSOC) recommend $$< -k 20 --include-seen -o $$@

$(1)/metrics.parquet: $(1)/hybrid.recs.parquet $(1)/popularity.recs.parquet $(1)/holdout.parquet
	$$(PRODASSOC) evaluate $(1)/hybrid.recs.parquet $(1)/popularity.recs.parquet -o $$@ --baseline popularity \
		--truth $(1)/holdout.parquet --train $(1)/interactions.parquet --products $(1)/products.parquet

$(1)/shown.txt: $(1)/rules.parquet $(1)/metrics.parquet
	@export COLUMNS=150; set -x; { $$(PRODASSOC) mine $(1)/interactions.parquet --products $(1)/products.parquet --top 10; \
		printf '%s\n' $(4) | $$(PRODASSOC) recommend $(1)/hybrid.model.parquet -k 5 --ids -; \
		$$(PRODASSOC) evaluate $(1)/hybrid.recs.parquet $(1)/popularity.recs.parquet \
			--truth $(1)/holdout.parquet -k 10; } | tee $$@
endef

# $(call loop,FOLDER): a young shop (a fifth of the year) recommends, its customers respond, it learns from that. The
# orders of the rest of the year, and a second month of the same customers, tell whether the lists got better.
define loop
$(1)/young.parquet $(1)/later.parquet &: $(SHOP) | $(VENV)/installed
	@mkdir -p $(1)
	$$(PRODASSOC) clean sample_data/orders.csv --holdout time:0.8 -o $(1)/young.parquet --holdout-output $(1)/later.parquet

$(1)/before.parquet: $(1)/young.parquet $(1)/products.parquet $(1)/embeddings.parquet
	$$(PRODASSOC) train $$< --products $(1)/products.parquet --embeddings $(1)/embeddings.parquet -o $$@

$(1)/after.parquet: $(1)/young.parquet $(1)/responses-1.parquet
	$$(PRODASSOC) train $$< --feedback $(1)/responses-1.parquet -o $$@ \
		--products $(1)/products.parquet --embeddings $(1)/embeddings.parquet

$(1)/before.csv $(1)/after.csv: $(1)/%.csv: $(1)/%.parquet sample_data/truth.json
	$(BIN)/python sample_data/respond.py --customers | \
		$$(PRODASSOC) recommend $$< -k 20 --include-seen --ids - -o $$@

$(1)/responses-1.csv: $(1)/before.csv
	$(BIN)/python sample_data/respond.py before=$(1)/before.csv --visits 8 --round 1 --output $$@

$(1)/responses-2.csv: $(1)/before.csv $(1)/after.csv
	$(BIN)/python sample_data/respond.py before=$(1)/before.csv after=$(1)/after.csv --visits 8 --round 2 --output $$@

$(1)/responses-1.parquet $(1)/responses-2.parquet: $(1)/%.parquet: $(1)/%.csv
	$$(PRODASSOC) clean $$< -o $$@

$(1)/outcome.parquet: $(1)/before.parquet $(1)/after.parquet $(1)/later.parquet $(1)/responses-2.parquet
	COLUMNS=150 $$(PRODASSOC) evaluate $(1)/before.parquet $(1)/after.parquet --include-seen -k 10 --baseline before \
		--truth $(1)/later.parquet --feedback $(1)/responses-2.parquet --report $(1)/outcome.html -o $$@
endef

.PHONY: demo
demo: .demo/shown.txt ## Run the whole chain on the simulated shop in sample_data/
	@echo 'The files are in .demo/. What each is: $(PRODASSOC) inspect .demo/rules.parquet'
	@echo 'Next, orders of your own: $(PRODASSOC) clean ORDERS.csv -o interactions.parquet'

.PHONY: demo-uci
demo-uci: .demo-uci/shown.txt ## Run the chain on UCI Online Retail: make demo-uci DATA=online_retail.csv.gz

.PHONY: demo-zh
demo-zh: .demo-zh/shown.txt ## Run the chain on a simulated Chinese shop, with the multilingual model

.PHONY: demo-feedback
demo-feedback: .demo/outcome.parquet ## Close the loop: recommend, let simulated shoppers respond, learn, compare

SHOP := sample_data/orders.csv sample_data/catalog.csv
$(eval $(call chain,.demo,$(SHOP),sample_data/orders.csv --products sample_data/catalog.csv,10044 10304 10371))
SHOP_ZH := sample_data/orders_zh.csv sample_data/catalog_zh.csv
$(eval $(call chain,.demo-zh,$(SHOP_ZH),sample_data/orders_zh.csv --products sample_data/catalog_zh.csv,M0001 M0042 M0131))
$(eval $(call chain,.demo-uci,$(DATA),$(DATA) --preset uci,12347 12583 17850))
$(eval $(call loop,.demo))
