"""Webhooks measured: how much one worker carries, how soon it is there, and what hanging endpoints cost the others."""
