"""What every chapter stands on; knows no model, data set or domain."""
