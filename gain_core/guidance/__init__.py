"""What a mask is turned into: counter-examples cut and pasted from guided images."""
