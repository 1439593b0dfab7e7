"""Chapter 4: error surfaces and the optimisers that walk them."""
