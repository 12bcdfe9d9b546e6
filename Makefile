# Every target is one command that you can type yourself. `make` lists them.
.DEFAULT_GOAL := help
.PHONY: help ci test race fresh fuzz lint storms campaign mutants stops bench cluster docs

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

ci: ## everything that must hold before a change lands
	.ci/run

test: ## the tests of every module
	go test -timeout 15m work

race: ## the tests of the core under the race detector
	.ci/run --only race

fresh: ## seeds that nobody has tried, for every simulated scenario (SEEDS=2000)
	.ci/run --only seeds --seeds $(or $(SEEDS),2000)

fuzz: ## every fuzz target for a while (FUZZTIME=60s)
	.ci/fuzz $(or $(FUZZTIME),60s)

lint: ## vet, gofmt, staticcheck, and the rules of the house
	.ci/run --only vet && .ci/run --only gofmt && .ci/run --only staticcheck && go test ./internal/tidy

bench: ## every benchmark, with allocations
	go test -run '^$$' -bench . -benchmem work

storms: ## what a cluster must survive, in 100,000 simulated worlds and more (hours)
	CLUSTER_SEEDS=$(or $(SEEDS),50000) .ci/run --only cluster

campaign: ## 60 kills, 60 pauses and 30 partitions of real processes (20 minutes; wants a machine to itself)
	cd benchmarks && go test -timeout 2h ./cluster -run '^TestCampaign$$' -v -campaign.kills=60 -campaign.pauses=60 -campaign.partitions=30 -campaign.namespaces -campaign.strict

mutants: ## plant mistakes in the protocols, one at a time, and see which the tests catch (MUTANTS=sharding CHECKS=1; hours for all)
	nice go run ./internal/mutants -jobs $(or $(JOBS),2) -cheapest $(or $(CHECKS),0) -run '$(MUTANTS)'

stops: ## stop a hundred HTTP servers under load, and make ten thousand commits of each kind fail (5 minutes)
	cd examples && go test -timeout 20m ./artifactstate/internal/httpapi -run StopsUnderLoad -v -stops 100
	cd persistence/sqlite && go test -timeout 20m . -run 'ComesBack|SaysSo' -v -failures 10000

cluster: ## measure membership, in processes and in simulation, with plots in /tmp/cluster
	cd benchmarks && go run ./cluster -plots /tmp/cluster

docs: ## check that the code in README.md and docs/ is code that compiles
	go test -run Snippets ./internal/tidy
