package main

func Example() {
	main()
	// Output:
	// hello, Ada
	// hello, Bert
	// greeted: 2
}
