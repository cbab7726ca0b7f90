"""Catalogues made of real QEMUs: each is asked, and saves itself in many forms."""
