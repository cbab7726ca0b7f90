"""What several tests need: real streams, and real QEMUs."""
