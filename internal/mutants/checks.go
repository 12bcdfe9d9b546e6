package main

import "time"

// What should catch mutants: a package's own tests, and the simulator, which sees
// everything together.
var (
	membershipTests  = check{"./cluster/membership", 4 * time.Minute}
	clusterTests     = check{"./cluster", 3 * time.Minute}
	phiTests         = check{"./internal/phi", time.Minute}
	downingTests     = check{"./cluster/downing", 2 * time.Minute}
	leaseTests       = check{"./cluster/lease", 2 * time.Minute}
	actorTests       = check{"./actor", time.Minute}
	remoteTests      = check{"./remote", 4 * time.Minute}
	codecTests       = check{"./codec", time.Minute}
	routerTests      = check{"./router", time.Minute}
	singletonTests   = check{"./singleton", time.Minute}
	shardingCore     = check{"./sharding/internal/core", 2 * time.Minute}
	shardingTests    = check{"./sharding", time.Minute}
	persistenceTests = check{"./persistence", time.Minute}
	sqliteTests      = check{"./persistence/sqlite", 2 * time.Minute}

	// chaos is a cluster under every fault that there is.
	chaos = check{"./testkit/simtest -run ^TestClustersSurviveChaos$ -sim.seeds=60", 4 * time.Minute}
	// simulation is every scenario, with as many seeds as an ordinary run has.
	simulation = check{"./testkit/simtest", 6 * time.Minute}
)
