"""Peer-to-peer by data: for each ordered pair of cards, does what is copied arrive?"""
